import { join } from 'node:path'
import { inlineExecutor } from '@posttask/backend-inline'
import { type BoundTask, type Executor, taskModule } from '@posttask/core'
import type { LaneExecutor } from '@posttask/core/worker'
import { expect, test } from 'vitest'
import type { Matches } from '../../src/indexer/database.ts'
import { indexTree } from '../../src/indexer/index-tree.ts'
import { Progress } from '../../src/indexer/progress.ts'
import { matchExpression, parseQuery } from '../../src/indexer/query.ts'
import { QuietScreen } from '../../src/indexer/quiet-screen.ts'
import { runnersOn } from '../../src/indexer/runners.ts'
import { threadBackends } from '../fixtures/backends.ts'
import { TemporaryFolder } from './make-tree.ts'

const database = taskModule<typeof import('../../src/indexer/database.ts')>(
  new URL('../../src/indexer/database.ts', import.meta.url),
)

const queries = ['user', 'getUserName', 'limit*', 'even count', 'unique7', 'absent']

/** Many small files, so that several of them wait while one is tokenised. */
const generateTree = (): TemporaryFolder => {
  const tree = new TemporaryFolder()
  for (let index = 0; index < 200; index++) {
    const words = ['count', index % 2 === 0 ? 'even' : 'odd', `unique${index}`, 'limits '.repeat(index % 5)]
    if (index % 7 === 0) words.push('getUserName(user)')
    tree.write(`folder-${index % 10}/file-${index}.ts`, words.join(' '))
  }
  return tree
}

/** Indexes the tree and searches it, on one slot for eight tasks at a time. */
const searched = async (executor: Executor<BoundTask>, tree: string): Promise<{ added: number; found: readonly Matches[] }> => {
  using cache = new TemporaryFolder()
  const runners = runnersOn(executor, 8)
  const progress = new Progress(runners.ui, new QuietScreen(process.stderr))
  await runners.database.run(database.open(join(cache.path, 'i.db')))
  const { signal } = new AbortController()
  await indexTree({ root: tree, limits: { maxSize: 10_000, exclude: new Set() }, signal }, runners, progress)
  const found: Matches[] = []
  for (const query of queries) found.push(await runners.database.run(database.search(matchExpression(parseQuery([query])), 500)))
  await runners.database.run(database.close())
  await progress.end()
  await runners.close()
  return { added: progress.tally.figures.added, found }
}

/** How many tasks the largest message of an executor held. */
const watchBatches = (executor: LaneExecutor): { largest: number } => {
  const seen = { largest: 1 }
  const { executeBatch } = executor
  if (executeBatch === undefined) return seen
  const watched: typeof executeBatch = (tasks, executions, onSlow) => {
    seen.largest = Math.max(seen.largest, tasks.length)
    return executeBatch(tasks, executions, onSlow)
  }
  Object.defineProperty(executor, 'executeBatch', { value: watched })
  return seen
}

test('F1 what the code search finds is the same inline, on piscina and on tinypool, with batches and without', {
  timeout: 120_000,
}, async () => {
  using tree = generateTree()
  const inline = await searched(inlineExecutor({ maxConcurrency: 1 }), tree.path)
  expect(inline.added).toBe(200)
  expect(inline.found.map(({ total, matches }) => [total, matches.length])).toEqual(
    [29, 29, 160, 100, 1, 0].map((files) => [files, files]),
  )
  for (const [name, makeExecutor] of threadBackends) {
    for (const batch of [true, false]) {
      const executor = makeExecutor({ maxThreads: 1, batch })
      const seen = watchBatches(executor)
      expect(await searched(executor, tree.path)).toEqual(inline)
      expect(seen.largest > 1, `${name}, batch: ${batch}`).toBe(batch)
    }
  }
})
