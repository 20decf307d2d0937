import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Trace, type TraceEvent, validateTrace } from '@posttask/diagnostics'
import { expect, it } from 'vitest'
import { openInDevTools } from '../../../../packages/diagnostics/test/devtools.ts'
import { makeTree, TemporaryFolder } from './make-tree.ts'
import { runIndexer } from './run-indexer.ts'

it('--trace writes what every task did, for DevTools: lanes of runners and threads, an arrow from every post to its run', {
  timeout: 60_000,
}, async () => {
  using tree = makeTree()
  using folder = new TemporaryFolder()
  const file = join(folder.path, 'trace.json')
  const { code, stderr } = await runIndexer(
    tree.path,
    ...['--backend', 'piscina', '--jobs', '1', '--db', join(folder.path, 'index.sqlite'), '--trace', file, '--quiet'],
  )
  expect([code, stderr]).toEqual([0, ''])
  const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace
  expect(validateTrace(trace)).toEqual([])
  const runs = trace.traceEvents.filter(({ ph, args }) => ph === 'X' && args?.['outcome'] !== undefined)
  const { isGeneric, lanes, arrows } = await openInDevTools(trace.traceEvents)
  expect(isGeneric).toBe(true)
  const toRuns = arrows.filter((arrow) => /^(post|reply) /.test(arrow))
  expect(toRuns.map((arrow) => arrow.replace(/^(post|reply) /, '')).toSorted()).toEqual(namesTwice(runs))
  expect(toRuns.some((arrow) => arrow.startsWith('reply '))).toBe(true)
  const onThreads = runs.filter(({ args }) => args?.['thread'] !== undefined)
  expect(new Set(onThreads.map(({ args }) => args?.['runner']))).toEqual(new Set(['tokens', 'database']))
  expect(arrows.filter((arrow) => !toRuns.includes(arrow)).toSorted()).toEqual(namesTwice(onThreads))
  for (const lane of ['disk', 'ui', 'tokens', 'database', 'survey']) expect(lanes).toContain(lane)
  const threads = new Set(onThreads.map(({ args }) => `thread ${Number(args?.['thread'])}`))
  expect(threads.size).toBe(2)
  for (const thread of threads) expect(lanes).toContain(thread)
})

/** The arrows that connect two slices of the same name each. */
const namesTwice = (slices: readonly TraceEvent[]): string[] => slices.map(({ name }) => `${name} > ${name}`).toSorted()
