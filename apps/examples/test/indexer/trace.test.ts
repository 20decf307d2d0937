import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Trace, validateTrace } from '@posttask/diagnostics'
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
  const view = await openInDevTools(trace.traceEvents)
  const posts = view.arrows.filter((arrow) => /^(post|reply) /.test(arrow))
  expect([view.isGeneric, posts.length]).toEqual([true, runs.length])
  for (const lane of ['disk', 'ui', 'tokens', 'database', 'survey']) expect(view.lanes).toContain(lane)
  expect(view.lanes.filter((lane) => /^thread \d+$/.test(lane ?? ''))).toHaveLength(2)
})
