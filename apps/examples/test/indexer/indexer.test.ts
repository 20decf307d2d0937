import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import Database from 'libsql'
import { describe, expect, it } from 'vitest'
import { makeTree, TemporaryFolder } from './make-tree.ts'
import { eventsOf, type Outcome, runIndexer, runIndexerIn, watchIndexer } from './run-indexer.ts'

const backends = ['inline', 'piscina', 'tinypool']

interface Figures {
  added: number
  updated: number
  touched: number
  unchanged: number
  removed: number
  files: number
  links: number
  ignored: number
  notices: Record<string, number>
}

const summaryOf = (outcome: Outcome): { figures: Figures; searchable: number } => {
  const summary = eventsOf(outcome).find(({ event }) => event === 'summary')
  if (summary === undefined) throw new Error(`no summary: ${outcome.stdout}${outcome.stderr}`)
  return summary as never
}

const noticesOf = (outcome: Outcome, root: string): string[] =>
  eventsOf(outcome)
    .filter(({ event }) => event === 'notice')
    .map(({ kind, path }) => `${String(kind)} ${String(path).slice(root.length + 1)}`)
    .toSorted()

describe.each(backends)('the indexer on %s', (backend) => {
  it('indexes a tree and gives every kind of bad input one line and a place in the summary', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using cache = new TemporaryFolder()
    const outcome = await runIndexer(
      tree.path,
      '--backend',
      backend,
      '--db',
      join(cache.path, 'i.db'),
      '--max-size',
      '2kB',
      '--json',
    )
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(noticesOf(outcome, tree.path)).toEqual([
      'binary bad/binary.bin',
      'broken-link bad/broken',
      'empty bad/empty.txt',
      'latin1 bad/latin1.txt',
      'link-loop bad/loop',
      'link-loop bad/self',
      'too-large bad/huge.txt',
    ])
    const { figures, searchable } = summaryOf(outcome)
    expect(figures).toMatchObject({ added: 7, updated: 0, unchanged: 0, removed: 0, files: 8, links: 1, ignored: 2 })
    expect(figures.notices).toEqual({ binary: 1, 'broken-link': 1, empty: 1, latin1: 1, 'link-loop': 2, 'too-large': 1 })
    expect(searchable).toBe(7)
  })

  it('prints the ranked hits with their snippets', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using cache = new TemporaryFolder()
    const options = ['--backend', backend, '--db', join(cache.path, 'i.db')]
    // A word that most files have ranks none of them.
    for (let index = 0; index < 20; index += 1) tree.write(`other/${index}.txt`, `nothing of the kind ${index}`)
    await runIndexer(tree.path, ...options, '--max-size', '2kB')
    const found = await runIndexer('search', 'user', ...options)
    expect(found.stderr).toBe('')
    expect(found.stdout.replaceAll(tree.path, '')).toBe(
      [
        ' 1. /src/user.ts:3  2.11',
        '      export function get«User»Name(«user»: «User»): string {',
        ' 2. /src/deep/er/limits.ts:1  1.49',
        '      export const MAX_«USER»_COUNT = 500',
        ' 3. /docs/crlf.md:2  1.40',
        '      second line tells of a «user»',
        ' 4. /src/db.ts:2  1.32',
        '      // the «user» table',
        '4 files',
        '',
      ].join('\n'),
    )
    expect((await runIndexer('search', 'user', ...options, '--limit', '4')).stdout).toMatch(/\n4 files\n$/)
    expect((await runIndexer('search', 'user', ...options, '--limit', '3')).stdout).toMatch(
      /\nthe best 3 of 4 files \(--limit N for more\)\n$/,
    )
    const twins = eventsOf(await runIndexer('search', 'twin', ...options, '--limit', '1', '--json'))
    expect(twins).toMatchObject([
      { event: 'hit', rank: 1, path: join(tree.path, 'src/twin-a.ts') },
      { event: 'summary', total: 2, shown: 1 },
    ])
  })

  it('skips what is unchanged, reads what has changed, and forgets what is gone', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using cache = new TemporaryFolder()
    const options = ['--backend', backend, '--db', join(cache.path, 'i.db'), '--max-size', '2kB', '--json']
    const first = await runIndexer(tree.path, ...options)

    const second = await runIndexer(tree.path, ...options)
    expect(summaryOf(second).figures).toMatchObject({ added: 0, updated: 0, touched: 0, unchanged: 7, removed: 0, files: 8 })
    expect(noticesOf(second, tree.path)).toEqual(noticesOf(first, tree.path))

    tree.write('src/db.ts', 'export const storage = openStorage()\n')
    utimesSync(join(tree.path, 'src/user.ts'), 1, 1)
    rmSync(join(tree.path, 'src/deep'), { recursive: true })
    writeFileSync(join(tree.path, 'src/twin-b.ts'), '')
    const third = await runIndexer(tree.path, ...options)
    expect(summaryOf(third).figures).toMatchObject({ added: 0, updated: 1, touched: 1, unchanged: 3, removed: 2 })
    expect(summaryOf(third).searchable).toBe(5)
  })
})

describe('the indexer', () => {
  it('commits what was read when it is interrupted, and the next run does the rest', { timeout: 120_000 }, async () => {
    using tree = new TemporaryFolder()
    using cache = new TemporaryFolder()
    const files = 300
    const words = Array.from({ length: 8000 }, (_, index) => `word${index}`).join(' ')
    for (let index = 0; index < files; index += 1) tree.write(`file-${index}.txt`, `unique${index} ${words}`)
    const options = [tree.path, '--backend', 'inline', '--db', join(cache.path, 'i.db')]

    let wasSent = false
    const interrupted = await watchIndexer(options, ({ event, files: done }) => {
      if (wasSent || event !== 'progress' || done === 0) return undefined
      wasSent = true
      return 'SIGINT'
    })
    expect(interrupted.code).toBe(130)
    expect(interrupted.events.map(({ event }) => event)).toContain('stopping')
    const summary = interrupted.events.at(-1) as unknown as {
      event: string
      wasInterrupted: boolean
      figures: Figures
      searchable: number
    }
    expect(summary).toMatchObject({ event: 'summary', wasInterrupted: true })
    expect(summary.figures.added).toBeGreaterThan(0)
    expect(summary.figures.added).toBeLessThan(files)
    expect(summary.searchable).toBe(summary.figures.added)

    const next = await runIndexer(...options, '--json')
    expect(next.code).toBe(0)
    expect(summaryOf(next).figures).toMatchObject({
      unchanged: summary.figures.added,
      added: files - summary.figures.added,
      removed: 0,
    })
  })

  it.skipIf(process.getuid?.() === 0)(
    'keeps what it knows of a directory that cannot be read any more',
    { timeout: 60_000 },
    async () => {
      using tree = makeTree()
      using cache = new TemporaryFolder()
      const options = ['--backend', 'inline', '--db', join(cache.path, 'i.db'), '--json']
      await runIndexer(tree.path, ...options)
      const { chmodSync } = await import('node:fs')
      chmodSync(join(tree.path, 'src/deep'), 0)
      const outcome = await runIndexer(tree.path, ...options)
      chmodSync(join(tree.path, 'src/deep'), 0o755)
      expect(noticesOf(outcome, tree.path)).toContain('unreadable src/deep')
      expect(summaryOf(outcome).figures.removed).toBe(0)
    },
  )

  it('fails with one line and exit code 1 where the directory is missing or none', async () => {
    using folder = new TemporaryFolder()
    const file = folder.write('file.txt', 'text')
    expect(await runIndexer(join(folder.path, 'missing'), '--backend', 'inline')).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: there is no directory ${join(folder.path, 'missing')}\n`,
    })
    expect(await runIndexer(file, '--backend', 'inline')).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: ${file} is not a directory\n`,
    })
  })

  it('fails with one line that says what to do where the index is damaged, foreign, or locked', { timeout: 60_000 }, async () => {
    using folder = new TemporaryFolder()
    mkdirSync(join(folder.path, 'tree'))
    const index = (name: string): Promise<Outcome> =>
      runIndexer(join(folder.path, 'tree'), '--backend', 'inline', '--db', join(folder.path, name))

    const damaged = folder.write('damaged.db', 'this is no database '.repeat(300))
    const ofDamaged = await index('damaged.db')
    expect(ofDamaged).toMatchObject({ code: 1, stdout: '' })
    expect(ofDamaged.stderr).toMatch(/^error: the index .*damaged\.db is damaged .*: delete it and index again.*\n$/)
    expect(existsSync(damaged)).toBe(true)

    const foreign = new Database(join(folder.path, 'foreign.db'))
    foreign.exec('CREATE TABLE theirs (x)')
    foreign.close()
    const ofForeign = await index('foreign.db')
    expect(ofForeign.code).toBe(1)
    expect(ofForeign.stderr).toMatch(/^error: .*foreign\.db is a database of another program or version, left alone.*\n$/)

    expect((await index('locked.db')).code).toBe(0)
    const holder = new Database(join(folder.path, 'locked.db'))
    holder.exec('BEGIN IMMEDIATE')
    const ofLocked = await index('locked.db')
    holder.close()
    expect(ofLocked.code).toBe(1)
    expect(ofLocked.stderr).toMatch(/^error: the index .*locked\.db is locked by another program: wait.*\n$/)
  })

  it('never indexes its own index', { timeout: 60_000 }, async () => {
    using folder = new TemporaryFolder()
    folder.write('a.txt', 'text')
    const options = [folder.path, '--backend', 'inline', '--db', join(folder.path, 'i.db'), '--json']
    await runIndexer(...options)
    const { figures } = summaryOf(await runIndexer(...options))
    expect(figures).toMatchObject({ files: 1, notices: {} })
  })

  it('says plainly how a run went when its output is no terminal, and nothing with --quiet', { timeout: 60_000 }, async () => {
    using tree = makeTree()
    using cache = new TemporaryFolder()
    const options = [tree.path, '--backend', 'inline', '--db', join(cache.path, 'i.db'), '--max-size', '2kB']
    const loud = await runIndexer(...options)
    expect(loud.stderr).toContain('bad/huge.txt: 5.0 kB is over --max-size, skipped\n')
    expect(loud.stderr).toContain('bad/latin1.txt: not UTF-8, indexed as latin1\n')
    expect(loud.stdout).toContain('7 added, 0 updated, 0 unchanged, 0 removed; 7 files can be searched\n')
    expect(loud.stdout + loud.stderr).not.toContain('\u001b')
    expect(await runIndexer(...options, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('tells wrong usage from a failed run by its exit code', async () => {
    const wrong = await runIndexer('--backend', 'cluster')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('--backend is one of piscina, tinypool, inline, not "cluster"')
    const without = await runIndexer('search', 'word', '--db', '/nowhere/at/all.db')
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('there is no index /nowhere/at/all.db')
  })

  it('ends a search that finds nothing with 1, as grep does', { timeout: 60_000 }, async () => {
    using folder = new TemporaryFolder()
    folder.write('a.txt', 'text')
    const options = ['--backend', 'inline', '--db', join(folder.path, 'i.db')]
    await runIndexer(folder.path, ...options)
    expect(await runIndexer('search', 'absent', ...options)).toEqual({ code: 1, stdout: 'Nothing found.\n', stderr: '' })
    const inJson = await runIndexer('search', 'absent', ...options, '--json')
    expect([inJson.code, eventsOf(inJson)]).toEqual([1, [{ event: 'summary', total: 0, shown: 0 }]])
  })

  it('takes relative paths from where pnpm was called', { timeout: 60_000 }, async () => {
    using folder = new TemporaryFolder()
    folder.write('sub/tree/a.txt', 'needle')
    const from = { npm_lifecycle_event: 'demo', INIT_CWD: join(folder.path, 'sub') }
    const options = ['--backend', 'inline', '--db', '../i.db']
    const indexed = await runIndexerIn(from, 'tree', ...options, '--trace', 'trace.json', '--quiet')
    expect(indexed).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(existsSync(join(folder.path, 'i.db'))).toBe(true)
    expect(existsSync(join(folder.path, 'sub/trace.json'))).toBe(true)
    expect((await runIndexerIn(from, 'search', 'needle', ...options)).stdout).toContain(' 1. tree/a.txt:1 ')
    // Another script hands its own down.
    const other = await runIndexerIn({ ...from, npm_lifecycle_event: 'test' }, 'tree', ...options)
    expect(other.stderr).toBe(`error: there is no directory ${resolve('tree')}\n`)
  })
})
