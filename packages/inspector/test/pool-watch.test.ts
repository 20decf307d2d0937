import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { expect, test } from 'vitest'
import { PoolWatch } from '../src/pool-watch.ts'

test('with thousands of runners the busiest are chosen once a second, and those that are shown are read each time', async () => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.createExecutor(), onTaskRejected: () => {} })
  const runners = Array.from({ length: 1001 }, (_, index) => new SequencedTaskRunner(pool, { name: `user ${index}` }))
  const postTo = (index: number, times: number): void => {
    for (let i = 0; i < times; i++) runners[index]?.postTask(() => {})
  }
  let now = 0
  let nextId = 0
  const watch = new PoolWatch(pool, { maxRunners: 1, now: () => now, nextId: () => ++nextId })
  const shown = async (): Promise<string[] | undefined> =>
    (await watch.read())?.runners.map(({ name, pending }) => `${name}: ${pending}`)
  expect(await shown()).toBe(undefined)
  watch.start()
  postTo(500, 3)
  expect(await shown()).toEqual(['user 500: 3'])
  now = 999
  postTo(500, 1)
  postTo(7, 50)
  expect(await shown()).toEqual(['user 500: 4'])
  now = 1000
  expect(await shown()).toEqual(['user 7: 50'])
  watch.stop()
  expect(await shown()).toBe(undefined)
  const closing = pool.terminate()
  await env.advanceBy(0)
  await closing
})
