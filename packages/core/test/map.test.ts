import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, type TaskContext, ThreadPool, taskModule } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const arithmetic = taskModule<typeof import('./fixtures/arithmetic.ts')>(new URL('./fixtures/arithmetic.ts', import.meta.url))

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const seen: T[] = []
  for await (const item of items) seen.push(item)
  return seen
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('map', () => {
  test('Q1 gives the results in the order of the items, whatever the order of their ends', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4 })
    const results = collect(runner.map(numbers(20), (item, context) => context.sleep(20 - item).then(() => item * 10)))
    await env.fastForwardUntilNoTasksRemain()
    expect(await results).toEqual(numbers(20).map((item) => item * 10))
  })

  test('Q1 with ordered: false as they come', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 3 })
    const results = collect(runner.map([30, 20, 10], (ms, context) => context.sleep(ms).then(() => ms), { ordered: false }))
    await env.fastForwardUntilNoTasksRemain()
    expect(await results).toEqual([10, 20, 30])
  })

  test('Q1 back-pressure: no more than window items are taken ahead of the consumer', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    let taken = 0
    function* source(): Generator<number> {
      for (; taken < 1000; ) yield taken++
    }
    let consumed = 0
    let most = 0
    for await (const item of runner.map(source(), (item) => item, { window: 5 })) {
      most = Math.max(most, taken - consumed)
      consumed++
      if (item === 100) break
    }
    expect(most).toBeLessThanOrEqual(6)
    expect(consumed).toBe(101)
  })

  test('P1 at most maxConcurrency at a time, and that many', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 3 })
    let active = 0
    let most = 0
    const results = collect(
      runner.map(numbers(30), async (item, context) => {
        most = Math.max(most, ++active)
        await context.sleep(5)
        active--
        return item
      }),
    )
    await env.fastForwardUntilNoTasksRemain()
    await results
    expect(most).toBe(3)
  })

  test('F1 a stub is bound to each item', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    expect(await collect(runner.map([1, 2, 3], arithmetic.square))).toEqual([1, 4, 9])
  })

  test('F1 the first failure ends it: the error is the very one, no further item is taken, the source is closed', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const error = new Error('expected')
    let taken = 0
    let isClosed = false
    function* source(): Generator<number> {
      try {
        for (;;) yield taken++
      } finally {
        isClosed = true
      }
    }
    const seen: number[] = []
    const consume = async (): Promise<void> => {
      const mapped = runner.map(source(), (item) => {
        if (item === 5) throw error
        return item
      })
      for await (const item of mapped) seen.push(item)
    }
    await expect(consume()).rejects.toBe(error)
    expect([seen, isClosed]).toEqual([[0, 1, 2, 3, 4], true])
    expect(taken).toBeLessThan(12)
    await runner.waitIdle()
  })

  test('C1 leaving the loop early cancels what is under way and closes the source', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const reasons: unknown[] = []
    const consumed = (async () => {
      const mapped = runner.map(numbers(100), async (item, context) => {
        await context.sleep(item === 0 ? 5 : 1000).catch((reason: unknown) => reasons.push(reason))
        return item
      })
      for await (const item of mapped) return item
      return undefined
    })()
    await env.advanceBy(5)
    expect(await consumed).toBe(0)
    await env.runUntilIdle()
    expect(reasons.length).toBeGreaterThan(0)
    expect(env.nextDeadline()).toBeUndefined()
    expect(runner.stats()).toMatchObject({ pending: 0, running: 0 })
  })

  test('C1 its signal ends it with the reason, and no listener is left', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const aborter = new AbortController()
    const results = collect(
      runner.map(numbers(100), (item, context) => context.sleep(10).then(() => item), { signal: aborter.signal }),
    )
    results.catch(() => {})
    await env.advanceBy(25)
    aborter.abort('enough')
    await env.runUntilIdle()
    await expect(results).rejects.toBe('enough')
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
    const never = collect(runner.map(numbers(3), (item) => item, { signal: aborter.signal }))
    await expect(never).rejects.toBe('enough')
  })

  test('Q1 an asynchronous source: items are asked for one at a time, results come as they are there', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()] as const
    async function* source(): AsyncGenerator<number> {
      for (const gate of gates) yield await gate.promise
    }
    const seen: number[] = []
    const consumed = (async () => {
      for await (const item of runner.map(source(), (item) => item + 1)) seen.push(item)
    })()
    gates[0].resolve(1)
    await env.runUntilIdle()
    expect(seen).toEqual([2])
    gates[1].resolve(2)
    gates[2].resolve(3)
    await env.runUntilIdle()
    await consumed
    expect(seen).toEqual([2, 3, 4])
  })

  test.each([true, false])('Q1 a bounded queue sets the pace as well: nothing is refused, ordered: %s', async (ordered) => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4, queueLimit: 2 })
    let depth = 0
    const double = async (item: number, context: TaskContext): Promise<number> => {
      depth = Math.max(depth, runner.stats().pending)
      await context.sleep(1 + (item % 3))
      return item * 2
    }
    async function* later(): AsyncGenerator<number> {
      yield* numbers(50)
    }
    const both = Promise.all([
      collect(runner.map(numbers(50), double, { ordered, window: 10 })),
      collect(runner.map(later(), double, { ordered, window: 10 })),
    ])
    await env.fastForwardUntilNoTasksRemain()
    const expected = numbers(50).map((item) => item * 2)
    expect((await both).map((results) => results.toSorted((a, b) => a - b))).toEqual([expected, expected])
    expect([depth > 0, runner.stats().rejected]).toEqual([true, 0])
  })

  test('W5 a bounded runner that is closed while an item waits for room: it ends with RunnerClosedError', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1, queueLimit: 1 })
    const results = collect(runner.map(numbers(50), (_, context) => context.sleep(10), { window: 10 }))
    const outcome = results.then(
      () => 'ended',
      (error: Error) => error.name,
    )
    await env.advanceBy(15)
    void runner.close()
    await env.fastForwardUntilNoTasksRemain()
    expect(await outcome).toBe('RunnerClosedError')
  })

  test('F1 a source that throws ends it with that error', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const error = new Error('expected')
    async function* late(): AsyncGenerator<number> {
      yield 1
      throw error
    }
    function* sync(): Generator<number> {
      yield 1
      throw error
    }
    await expect(collect(runner.map(late(), (item) => item))).rejects.toBe(error)
    await expect(collect(runner.map(sync(), (item) => item))).rejects.toBe(error)
    await runner.waitIdle()
  })

  test('Q1 an empty source, and a window that is none', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    expect(await collect(runner.map([], (item) => item))).toEqual([])
    await expect(collect(runner.map([1], (item) => item, { window: 0 }))).rejects.toThrow(RangeError)
  })

  test('W5 on a runner that was closed it ends with RunnerClosedError', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    runner.shutdown()
    await expect(collect(runner.map([1, 2], (item) => item))).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })
})
