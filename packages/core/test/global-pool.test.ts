import { inlineExecutor } from '@posttask/backend-inline'
import {
  createTaskRunner,
  globalThreadPool,
  initGlobalThreadPool,
  PoolClosedError,
  SequencedTaskRunner,
  shutdownGlobalThreadPool,
  ThreadPoolNotInitializedError,
} from '@posttask/core'
import { afterEach, describe, expect, test } from 'vitest'

afterEach(async () => {
  await shutdownGlobalThreadPool()
})

describe('the global thread pool', () => {
  test('G-130 before it is made it throws, and says which lines to add', () => {
    for (const use of [globalThreadPool, () => createTaskRunner()]) {
      expect(use).toThrow(ThreadPoolNotInitializedError)
      expect(use).toThrow(/initGlobalThreadPool\(\{ executor: inlineExecutor\(\) \}\)/)
    }
  })

  test('G-131 making it twice keeps the first', () => {
    const pool = initGlobalThreadPool({ executor: inlineExecutor() })
    expect(initGlobalThreadPool({ executor: inlineExecutor() })).toBe(pool)
    expect(globalThreadPool()).toBe(pool)
    expect(pool.name).toBe('global')
  })

  test('G-44 G-45 S1 createTaskRunner gives a sequence on it, with the traits asked for', async () => {
    const pool = initGlobalThreadPool({ executor: inlineExecutor() })
    const runner = createTaskRunner({ priority: 'user-blocking', name: 'mine' })
    expect(runner).toBeInstanceOf(SequencedTaskRunner)
    expect([runner.pool === (pool as unknown), runner.name, runner.stats().priority]).toEqual([true, 'mine', 'user-blocking'])
    const seen: number[] = []
    for (const task of [1, 2, 3]) runner.postTask(() => void seen.push(task))
    expect(await runner.run((context) => context.priority)).toBe('user-blocking')
    expect(seen).toEqual([1, 2, 3])
  })

  test('W6 shut down it is closed and forgotten, and a new one may be made', async () => {
    expect(await shutdownGlobalThreadPool()).toBeUndefined()
    const first = initGlobalThreadPool({ executor: inlineExecutor() })
    let ran = false
    createTaskRunner().postTask(() => void (ran = true))
    expect(await shutdownGlobalThreadPool()).toEqual({ completed: 1, dropped: 0, terminated: 0, lost: [] })
    expect(ran).toBe(true)
    expect(() => new SequencedTaskRunner(first)).toThrow(PoolClosedError)
    expect(() => createTaskRunner()).toThrow(ThreadPoolNotInitializedError)
    expect(initGlobalThreadPool({ executor: inlineExecutor() })).not.toBe(first)
  })
})
