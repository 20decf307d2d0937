import { inlineExecutor } from '@posttask/backend-inline'
import {
  KeyedTaskRunner,
  ParallelTaskRunner,
  PoolTotals,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { expect, test } from 'vitest'

const newPool = (): ThreadPool => new ThreadPool({ executor: inlineExecutor(), onTaskError: () => {}, onTaskRejected: () => {} })

/** One task that succeeds, one that fails, one that is cancelled. */
const useOnce = async (runner: SequencedTaskRunner): Promise<void> => {
  runner.postTask(() => {})
  runner.postTask(() => {
    throw new Error('expected')
  })
  runner.postTask(() => {}).cancel()
  await runner.waitIdle()
}

const once = { completed: 1, failed: 1, cancelled: 1, timedOut: 0 }
const twice = { completed: 2, failed: 2, cancelled: 2, timedOut: 0 }
const nothing = { pending: 0, running: 0, delayed: 0, repeating: 0 }

test('W5 counts never go back: those of a runner that was closed stay, and go on with the next of its name', async () => {
  await using pool = newPool()
  using totals = new PoolTotals(pool)
  const first = new SequencedTaskRunner(pool, { name: 'mail' })
  await useOnce(first)
  const expected = [{ name: 'mail', kind: 'sequenced', ...nothing, ...once }]
  expect(totals.read()).toEqual(expected)
  await first.close()
  expect(totals.read()).toEqual(expected)
  const second = new SequencedTaskRunner(pool, { name: 'mail' })
  expect(totals.read()).toEqual(expected)
  await useOnce(second)
  const both = [{ name: 'mail', kind: 'sequenced', ...nothing, ...twice }]
  expect(totals.read()).toEqual(both)
  expect(totals.read(), 'reading changes nothing').toEqual(both)
  await second.close()
  expect(totals.read()).toEqual(both)
})

test('W5 runners without a name of their own count together, by kind; the same name of another kind apart', async () => {
  await using pool = newPool()
  using totals = new PoolTotals(pool)
  for (let count = 0; count < 2; count++) {
    new SequencedTaskRunner(pool)
    new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    new SingleThreadTaskRunner(pool)
    new KeyedTaskRunner(pool, { maxConcurrency: 2 })
  }
  new SequencedTaskRunner(pool, { name: 'mail' })
  new ParallelTaskRunner(pool, { name: 'mail', maxConcurrency: 2 })
  new SequencedTaskRunner(pool, { name: 'my-sequenced-1' })
  new SequencedTaskRunner(pool, { name: 'sequenced-1-of-mine' })
  expect(totals.read().map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    'sequenced sequenced',
    'parallel parallel',
    'single-thread single-thread',
    'keyed keyed',
    'sequenced mail',
    'parallel mail',
    'sequenced my-sequenced-1',
    'sequenced sequenced-1-of-mine',
  ])
})

test('W5 what waits, runs, is delayed and repeats is that of now, of all runners of the name', async () => {
  await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
  using totals = new PoolTotals(env.pool)
  const runners = [0, 1].map(() => new SequencedTaskRunner(env.pool, { name: 'mail' }))
  for (const runner of runners) {
    runner.postTask((context) => context.sleep(5))
    runner.postTask(() => {})
    runner.postTask(() => {})
    runner.postDelayedTask(() => {}, 1000)
    runner.postRepeatingTask(() => {}, 1000)
  }
  const others = { name: 'mail', kind: 'sequenced', completed: 0, failed: 0, cancelled: 0, timedOut: 0, delayed: 2, repeating: 2 }
  expect(totals.read()).toEqual([{ ...others, pending: 6, running: 0 }])
  await env.advanceBy(1)
  expect(totals.read()).toEqual([{ ...others, pending: 4, running: 2 }])
  await env.advanceBy(5)
  expect(totals.read()).toEqual([{ ...others, completed: 6, pending: 0, running: 0 }])
  for (const runner of runners) runner.shutdown()
  expect(totals.read()).toEqual([{ ...others, completed: 6, pending: 0, running: 0, delayed: 0, repeating: 0 }])
})

test('W5 when disposed of it takes nothing over any more', async () => {
  await using pool = newPool()
  const totals = new PoolTotals(pool)
  const runner = new SequencedTaskRunner(pool)
  await useOnce(runner)
  totals[Symbol.dispose]()
  await runner.close()
  expect(totals.read()).toEqual([])
})
