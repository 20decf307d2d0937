import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, ThreadPool } from '@posttask/core'
import { describe, expect, it, vi } from 'vitest'
import { parseCommand, UsageError } from '../../src/indexer/arguments.ts'
import { inBatches } from '../../src/indexer/batches.ts'
import { decode } from '../../src/indexer/decode.ts'
import { defaultDatabase } from '../../src/indexer/default-database.ts'
import { formatBytes, formatClock, formatCount, parseBytes } from '../../src/indexer/figures.ts'
import { Frontier } from '../../src/indexer/frontier.ts'
import { Interrupt } from '../../src/indexer/interrupt.ts'
import { printable } from '../../src/indexer/printable.ts'
import { progressBar, progressText } from '../../src/indexer/progress-line.ts'
import { matchExpression, parseQuery } from '../../src/indexer/query.ts'
import { readSource } from '../../src/indexer/read.ts'
import { findSnippet, highlight } from '../../src/indexer/snippet.ts'
import { Tally } from '../../src/indexer/tally.ts'
import { piecesOf, TermCounter } from '../../src/indexer/term-counter.ts'
import { walk } from '../../src/indexer/walk.ts'
import { wordsOf } from '../../src/indexer/words.ts'
import { TemporaryFolder } from './make-tree.ts'

describe('the words of the indexer', () => {
  const terms = (text: string): string[] => [...wordsOf(text)].map(({ term }) => term)

  it('are whole names and the parts of names', () => {
    expect(terms('getUserName')).toEqual(['getusername', 'get', 'user', 'name'])
    expect(terms('MAX_SIZE = parseHTTPHeader(v2)')).toEqual([
      'max_size',
      'max',
      'size',
      'parsehttpheader',
      'parse',
      'http',
      'header',
      'v2',
      'v',
      '2',
    ])
    expect(terms('größeÄndern naïve')).toEqual(['größeändern', 'größe', 'ändern', 'naïve'])
    expect(terms('a'.repeat(65))).toEqual([])
  })

  it('are counted as often as they occur, a name 16 times at the most', () => {
    const counter = new TermCounter()
    counter.add('fooBar x '.repeat(2))
    counter.add('x '.repeat(50))
    expect(counter.terms().trim().split(' ')).toEqual([
      'foobar',
      'foo',
      'bar',
      'foobar',
      'foo',
      'bar',
      ...Array.from({ length: 16 }, () => 'x'),
    ])
  })

  it('are never cut by a piece of the text', () => {
    const text = 'alpha beta_gamma naïveté delta'
    for (let size = 1; size < text.length; size += 1) {
      const pieces = [...piecesOf(text, size)]
      expect(pieces.join('')).toBe(text)
      expect(pieces.flatMap(terms)).toEqual(terms(text))
    }
  })
})

describe('a search', () => {
  it('asks for every word, and for beginnings where there is a star', () => {
    expect(matchExpression(parseQuery(['foo.barBaz', 'get*', 'foo']))).toBe('"foo" AND "barbaz" AND "get"*')
    expect(parseQuery(['"*()'])).toEqual([])
  })

  it('shows the line with the most of the words, cut to what fits around the first', () => {
    const marked = (text: string, ...words: string[]): string | undefined => {
      const snippet = findSnippet(text, parseQuery(words))
      return snippet && `${snippet.line}: ${highlight(snippet, (found) => `<${found}>`)}`
    }
    expect(marked('user\n  userName of name\nuser name', 'user', 'name')).toBe('2: <userName> of <name>')
    expect(marked('nothing\r\n\tgetters get', 'get*')).toBe('2: <getters> <get>')
    expect(marked(`${'x '.repeat(200)}needle${' y'.repeat(200)}`, 'needle')).toMatch(/^1: …(?:x ){20}<needle>(?: y)+…$/)
    expect(marked('bad\u001b[31m needle', 'needle')).toBe('1: bad\\u{1b}[31m <needle>')
    expect(marked('other', 'needle')).toBeUndefined()
  })
})

describe('the bytes of a file', () => {
  it('are read as UTF-8, as UTF-16 by its mark, else as latin1, and not at all when binary', () => {
    expect(decode(Buffer.from('\ufeffgrün'))).toEqual({ text: 'grün', encoding: 'utf-8' })
    expect(decode(Buffer.from('\ufeffgrün', 'utf16le'))).toEqual({ text: 'grün', encoding: 'utf-16le' })
    expect(decode(Buffer.from('\ufeffgrün', 'utf16le').swap16())).toEqual({ text: 'grün', encoding: 'utf-16be' })
    expect(decode(Buffer.from('grün', 'latin1'))).toEqual({ text: 'grün', encoding: 'latin1' })
    expect(decode(Uint8Array.of(65, 0, 66))).toBeUndefined()
  })

  it('are those that there are where the file shrank, and a notice where it is gone', async () => {
    using folder = new TemporaryFolder()
    const path = folder.write('a.txt', 'abc')
    expect(await readSource({ path, size: 10, mtime: 1 })).toMatchObject({ bytes: Uint8Array.from(Buffer.from('abc')) })
    const gone = join(folder.path, 'gone')
    expect(await readSource({ path: gone, size: 1, mtime: 1 })).toEqual({ kind: 'unreadable', path: gone, detail: 'ENOENT' })
  })
})

describe('a walk', () => {
  it('says of a directory that it cannot list that it knows nothing of it', async () => {
    const gone = join(tmpdir(), 'indexer-no-such-directory')
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    const listings = []
    for await (const listing of walk(gone, runner, { maxSize: 1, exclude: new Set() }, new AbortController().signal))
      listings.push(listing)
    expect(listings).toEqual([
      {
        files: [],
        directories: [],
        notices: [{ kind: 'unreadable', path: gone, detail: 'ENOENT' }],
        links: 0,
        ignored: 0,
        unknown: gone,
      },
    ])
  })

  it('waits for what a directory under way will bring, ends when all are settled, and stops at once', async () => {
    const frontier = new Frontier('root')
    const directories = frontier[Symbol.asyncIterator]()
    expect((await directories.next()).value).toBe('root')
    const next = directories.next()
    frontier.settle(['a', 'b'])
    expect((await next).value).toBe('a')
    frontier.settle([])
    expect((await directories.next()).value).toBe('b')
    const last = directories.next()
    frontier.settle([])
    expect((await last).done).toBe(true)

    const stopped = new Frontier('root')
    stopped.stop()
    expect((await stopped[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  it('hands its files on in batches, full by number or by weight', async () => {
    async function* items(): AsyncGenerator<number> {
      yield* [1, 1, 1, 5, 1]
    }
    const batches: number[][] = []
    for await (const batch of inBatches(items(), { count: 2, weight: 5, weigh: (item) => item })) batches.push(batch)
    expect(batches).toEqual([[1, 1], [1, 5], [1]])
  })
})

describe('what the indexer prints', () => {
  it('counts, measures and times for people, and takes no orders from file names', () => {
    expect([0, 999, 1000, 999_950, 34_200_000].map(formatBytes)).toEqual(['0 bytes', '999 bytes', '1.0 kB', '1.0 MB', '34.2 MB'])
    expect([7, 1234, 1_234_567].map(formatCount)).toEqual(['7', '1,234', '1,234,567'])
    expect([0, 6001, 750_000, 3_723_000].map(formatClock)).toEqual(['0:00', '0:07', '12:30', '1:02:03'])
    expect(['500', '500kB', '1.5 M', '2GB', '-1', 'much'].map(parseBytes)).toEqual([
      500,
      500_000,
      1_500_000,
      2_000_000_000,
      undefined,
      undefined,
    ])
    expect(printable('a\nb\u001b[2J\tc')).toBe('a\\u{a}b\\u{1b}[2J c')
  })

  it('shows the time left as soon as all files are counted, in a bar that fits the terminal', () => {
    const tally = new Tally()
    tally.stored({ added: 2, updated: 0, touched: 0 }, 2, 5_000_000)
    const state = { elapsedMs: 2000, isStopping: false }
    expect(progressText({ ...state, figures: tally.figures })).toBe('2 files, 5.0 MB, 2.5 MB/s, counting')
    tally.expect(8, 20_000_000)
    const { figures } = tally
    expect(progressText({ ...state, figures })).toBe('2 files, 5.0 MB, 2.5 MB/s, 0:06 left')
    expect(progressText({ ...state, figures, isStopping: true })).toBe('2 files, 5.0 MB, 2.5 MB/s, stopping')
    expect(progressBar({ ...state, figures }, 80)).toBe(
      `[${'#'.repeat(7)}${'-'.repeat(23)}]  25 %  2 files, 5.0 MB, 2.5 MB/s, 0:06 left`,
    )
    for (let columns = 1; columns <= 100; columns += 1)
      expect(progressBar({ ...state, figures }, columns).length).toBeLessThan(columns)
  })
})

describe('the command line', () => {
  it('is read strictly', () => {
    expect(parseCommand(['dir', '--jobs', '3', '--max-size', '1kB'], '/home')).toMatchObject({
      command: 'index',
      directory: '/home/dir',
      jobs: 3,
      maxSize: 1000,
      backend: 'piscina',
    })
    expect(parseCommand(['search', 'a', 'b', '--limit', '5'])).toMatchObject({ command: 'search', words: ['a', 'b'], limit: 5 })
    expect(parseCommand(['--help'])).toEqual({ command: 'help' })
    const wrong = [
      ['a', 'b'],
      ['search'],
      ['--jobs', '0'],
      ['--jobs', '1.5'],
      ['--max-size', 'big'],
      ['--limit', '1'],
      ['--unknown'],
      ['search', 'a', '--quiet'],
    ]
    for (const args of wrong) expect(() => parseCommand(args), args.join(' ')).toThrow(UsageError)
  })

  it('keeps the default index out of the tree', () => {
    const env = { XDG_CACHE_HOME: '/home/me/.cache' }
    expect(defaultDatabase('/home/me/src', env)).toBe('/home/me/.cache/posttask-demo/index.sqlite')
    expect(defaultDatabase('/home/me', env)).toBe(join(tmpdir(), 'posttask-demo/index.sqlite'))
  })
})

describe('Ctrl-C', () => {
  it('ends gracefully once, at once the second time, and is one press however often it arrives', () => {
    const now = vi.spyOn(performance, 'now')
    const calls: string[] = []
    const before = process.listenerCount('SIGINT')
    const interrupt = new Interrupt({ first: () => calls.push('first'), second: () => calls.push('second') })
    const press = (at: number): void => {
      now.mockReturnValue(at)
      process.emit('SIGINT')
    }
    press(1000)
    expect(interrupt.signal.aborted).toBe(true)
    press(1002)
    expect([calls, interrupt.wasRepeated]).toEqual([['first'], false])
    press(2000)
    expect([calls, interrupt.wasRepeated]).toEqual([['first', 'second'], true])
    interrupt.dispose()
    expect(process.listenerCount('SIGINT')).toBe(before)
    now.mockRestore()
  })
})
