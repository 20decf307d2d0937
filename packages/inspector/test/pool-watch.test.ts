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
  now = 2000
  postTo(8, 59)
  expect(await shown()).toEqual(['user 7: 50'])
  watch.stop()
  expect(await shown()).toBe(undefined)
  const closing = pool.terminate()
  await env.advanceBy(0)
  await closing
})

test('where not all runners are shown, those that are much busier come first, and the rest in order of creation', async () => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.createExecutor(), onTaskRejected: () => {} })
  const runners = ['a', 'b', 'c', 'd'].map((name) => new SequencedTaskRunner(pool, { name }))
  const posts = [1, 10, 1000, 11]
  for (const [index, runner] of runners.entries()) for (let i = 0; i < (posts[index] ?? 0); i++) runner.postTask(() => {})
  const orderOf = async (maxRunners: number): Promise<string[] | undefined> => {
    let nextId = 0
    const watch = new PoolWatch(pool, { maxRunners, now: () => 0, nextId: () => ++nextId })
    watch.start()
    const names = (await watch.read())?.runners.map(({ name }) => name)
    watch.stop()
    return names
  }
  expect(await orderOf(4)).toEqual(['a', 'b', 'c', 'd'])
  expect(await orderOf(3)).toEqual(['c', 'b', 'd'])
  const closing = pool.terminate()
  await env.advanceBy(0)
  await closing
})
