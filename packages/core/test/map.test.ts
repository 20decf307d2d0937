import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import { bindPostTask, ParallelTaskRunner, SequencedTaskRunner, type TaskContext, ThreadPool, taskModule } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { thenable } from './fixtures/thenable.ts'

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

  test.each([1, 2, 5])('Q1 a window of %i is filled, and an item is taken for each that the consumer takes', async (window) => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    let taken = 0
    function* source(): Generator<number> {
      for (; taken < 20; ) yield taken++
    }
    const ahead: number[] = []
    for await (const item of runner.map(source(), (item) => item, { window })) ahead.push(taken - item)
    expect(ahead).toEqual(numbers(20).map((item) => Math.min(window, 20 - item)))
  })

  test.each([
    [1, 2],
    [3, 6],
    [16, 32],
    [17, 32],
  ])('Q1 the window of a runner that runs %i at a time is %i', async (maxConcurrency, window) => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency })
    const items = runner.map(numbers(100), (item) => item)[Symbol.asyncIterator]()
    await items.next()
    expect(runner.stats().completed + runner.stats().pending + runner.stats().running).toBe(window)
    await items.return?.()
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

  test.each([true, false])(
    'C1 its signal ends it while the source has nothing yet, and closes the source without waiting for that, ordered: %s',
    async (ordered) => {
      await using env = createTestEnvironment()
      const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
      const gate = deferred()
      const seen: string[] = []
      async function* generator(): AsyncGenerator<number> {
        try {
          await gate.promise
          yield 1
        } finally {
          seen.push('generator closed')
        }
      }
      const next = (): Promise<never> => new Promise(() => {})
      const close = async (): Promise<never> => {
        seen.push('iterator closed')
        throw new Error('nobody asks')
      }
      const iterator = { [Symbol.asyncIterator]: () => ({ next, return: close }) }
      const aborter = new AbortController()
      for (const items of [generator(), iterator])
        collect(runner.map(items, () => {}, { ordered, signal: aborter.signal })).catch((reason: string) => seen.push(reason))
      await env.runUntilIdle()
      aborter.abort('enough')
      await env.runUntilIdle()
      expect(seen).toEqual(['iterator closed', 'enough', 'enough'])
      gate.resolve()
      await env.runUntilIdle()
      expect(seen.at(-1)).toBe('generator closed')
    },
  )

  test('C1 with a signal that was aborted before, the source is not asked', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    let asked = 0
    const next = (): Promise<IteratorResult<number>> => Promise.resolve({ value: asked++, done: false })
    const items = { [Symbol.asyncIterator]: () => ({ next }) }
    await expect(collect(runner.map(items, (item) => item, { signal: AbortSignal.abort('enough') }))).rejects.toBe('enough')
    expect(asked).toBe(0)
  })

  test('C1 an item that comes after the loop was left is not run', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const late = deferred<IteratorResult<string>>()
    const answers = [Promise.resolve({ value: 'first', done: false }), late.promise]
    const items = { [Symbol.asyncIterator]: () => ({ next: () => answers.shift() ?? late.promise }) }
    const ran: string[] = []
    const consumed = (async () => {
      for await (const _ of runner.map(items, (item) => void ran.push(item))) break
    })()
    await env.runUntilIdle()
    await consumed
    late.resolve({ value: 'late', done: false })
    await env.runUntilIdle()
    expect(ran).toEqual(['first'])
    expect(runner.stats(), 'it was not even posted').toMatchObject({ completed: 1, cancelled: 0 })
  })

  test('Q1 an asynchronous source may answer with any thenable', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    let asked = 0
    const next = () =>
      thenable<IteratorResult<number>>((resolve) =>
        resolve(asked < 3 ? { value: asked++, done: false } : { value: 0, done: true }),
      )
    const items = { [Symbol.asyncIterator]: () => ({ next: next as () => Promise<IteratorResult<number>> }) }
    const seen: number[] = []
    for await (const item of runner.map(items, (item) => item)) if (seen.push(item) > 3) break
    expect(seen).toEqual([0, 1, 2])
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

  test.each([undefined, 1])('F1 a source whose next throws is not closed, queueLimit: %s', async (queueLimit) => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool, { queueLimit })
    const error = new Error('expected')
    let closed = 0
    const close = (): IteratorResult<number> => ({ value: ++closed, done: true })
    const next = (): IteratorResult<number> => {
      throw error
    }
    const sync = { [Symbol.iterator]: () => ({ next, return: close }) }
    const throwing = { [Symbol.asyncIterator]: () => ({ next: next as () => never, return: async () => close() }) }
    const rejecting = { [Symbol.asyncIterator]: () => ({ next: async () => next(), return: async () => close() }) }
    for (const items of [sync, throwing, rejecting]) await expect(collect(runner.map(items, (item) => item))).rejects.toBe(error)
    expect(closed).toBe(0)
  })

  test('Q1 an empty source, and a window that is none', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    expect(await collect(runner.map([], (item) => item))).toEqual([])
    expect(() => runner.map([1], (item) => item, { window: 0 })).toThrow(RangeError)
  })

  test('W5 on a runner that was closed it ends with RunnerClosedError', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    runner.shutdown()
    await expect(collect(runner.map([1, 2], (item) => item))).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })

  test('F6 what is no source, no mapper, or none for the executor is refused at the call, by name', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    for (const items of [null, undefined, 5, {}, { next: () => ({ done: true }) }])
      expect(() => runner.map(items as never, (item) => item)).toThrow(/map on runner "r" was given \w+ as its items; pass /)
    for (const mapper of [null, undefined, 5, {}])
      expect(() => runner.map([1], mapper as never)).toThrow(/map on runner "r" was given \w+ as its mapper; pass /)
    const onThreads = new SequencedTaskRunner(env.createPool({ workers: 1 }), { name: 't' })
    expect(() => onThreads.map([1], (item) => item)).toThrow(/runner "t" cannot run a closure/)
    expect(() => runner.map([1], (item) => item, { timeout: -1 })).toThrow(RangeError)
    expect(() => runner.map([1], (item) => item, { signal: 5 as never })).toThrow('signal must be an AbortSignal')
    const letters = collect(runner.map('abc', (letter) => letter))
    await env.runUntilIdle()
    expect(await letters).toEqual(['a', 'b', 'c'])
  })
})

test.each([null, undefined, 5, {}])('F6 bindPostTask refuses what is no function at the call: %s', async (fn) => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new SequencedTaskRunner(pool, { name: 'r' })
  expect(() => bindPostTask(runner, fn as never)).toThrow(/bindPostTask on runner "r" was given \w+ to call; pass a function/)
})
