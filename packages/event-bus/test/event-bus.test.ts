import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import {
  ParallelTaskRunner,
  QueueFullError,
  RunnerClosedError,
  SequenceDeadlockError,
  SequencedTaskRunner,
  type TaskErrorEvent,
  type TaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { EventBus } from '@posttask/event-bus'
import { createTestEnvironment, runTest } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

interface Events {
  number: number
  text: string
  done: undefined
}

const makers = {
  'of its own runner': (pool: ThreadPool): EventBus<Events> => new EventBus<Events>(pool, { name: 'bus' }),
  'on a borrowed runner': (pool: ThreadPool): EventBus<Events> =>
    new EventBus<Events>(new SequencedTaskRunner(pool, { name: 'lent' }), { name: 'bus' }),
}

describe.each(Object.entries(makers))('an event bus %s', (_kind, makeBus) => {
  test('G-153 S3 a handler gets the event, after publish has returned', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: number[] = []
      bus.subscribe('number', (value) => void seen.push(value))
      const published = bus.publish('number', 42)
      expect(seen).toEqual([])
      await published
      expect(seen).toEqual([42])
    }))

  test('G-154 S1 1024 events arrive in the order of publishing', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: number[] = []
      bus.subscribe('number', (value) => void seen.push(value))
      const order = Array.from({ length: 1024 }, (_, index) => index)
      await Promise.all(order.map((value) => bus.publish('number', value)))
      expect(seen).toEqual(order)
    }))

  test('G-155 S3 an event that a handler publishes comes after those that wait', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      bus.subscribe('number', (value) => {
        seen.push(`int-${value}`)
        if (value === 1) void bus.publish('text', 'str')
      })
      bus.subscribe('text', (value) => void seen.push(value))
      void bus.publish('number', 1)
      await bus.publish('number', 2)
      await bus.close()
      expect(seen).toEqual(['int-1', 'int-2', 'str'])
    }))

  test('G-156 after an unsubscribe only the others are called', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      const a = bus.subscribe('done', () => void seen.push('a'))
      bus.subscribe('done', () => void seen.push('b'))
      await bus.publish('done')
      a.unsubscribe()
      await bus.publish('done')
      expect(seen).toEqual(['a', 'b', 'b'])
    }))

  test('G-157 each type has its own handlers and values', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: unknown[] = []
      bus.subscribe('number', (value) => void seen.push(value))
      bus.subscribe('text', (value) => void seen.push(value))
      await bus.publish('number', 1)
      await bus.publish('text', 'one')
      await bus.publish('done')
      expect(seen).toEqual([1, 'one'])
    }))

  test('G-158 W7 a closed bus delivers nothing, and says so', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: number[] = []
      bus.subscribe('number', (value) => void seen.push(value))
      await bus.close()
      await expect(bus.publish('number', 1)).rejects.toThrow(RunnerClosedError)
      expect(() => bus.subscribe('number', () => {})).toThrow(RunnerClosedError)
      expect([bus.isClosed, seen]).toEqual([true, []])
    }))

  test('G-159 ten publishers of ten events each: a hundred calls, those of one publisher in its order', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const publishers = new ParallelTaskRunner(pool, { maxConcurrency: 10 })
      const seen: number[] = []
      bus.subscribe('number', (value) => void seen.push(value))
      const publish = async (publisher: number): Promise<void> => {
        for (let index = 0; index < 10; index++) await bus.publish('number', publisher * 10 + index)
      }
      await Promise.all(Array.from({ length: 10 }, (_, publisher) => publishers.run(() => publish(publisher))))
      expect(seen).toHaveLength(100)
      for (let publisher = 0; publisher < 10; publisher++) {
        const own = seen.filter((value) => Math.floor(value / 10) === publisher)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    }))

  test('B-58 S2 an async handler is waited for, before the next handler and before publish resolves', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      bus.subscribe('text', async (value, context) => {
        seen.push(`${value} begins`)
        await context.sleep(50)
        seen.push(`${value} ends`)
      })
      bus.subscribe('text', (value) => void seen.push(`then ${value}`))
      void bus.publish('text', 'x')
      await bus.publish('text', 'y')
      expect(seen).toEqual(['x begins', 'x ends', 'then x', 'y begins', 'y ends', 'then y'])
    }))

  test('B-57 unsubscribing the last one twice takes nobody else out', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      const [, , last] = ['a', 'b', 'c'].map((name) => bus.subscribe('done', () => void seen.push(name)))
      last?.unsubscribe()
      bus.subscribe('done', () => void seen.push('d'))
      last?.unsubscribe()
      last?.[Symbol.dispose]()
      await bus.publish('done')
      expect([seen, last?.isActive, bus.handlerCount('done')]).toEqual([['a', 'b', 'd'], false, 3])
    }))

  test('B-58 the order is that of subscribing, whatever was removed', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      const [a, , c] = ['a', 'b', 'c', 'd', 'e'].map((name) => bus.subscribe('done', () => void seen.push(name)))
      a?.unsubscribe()
      c?.unsubscribe()
      await bus.publish('done')
      expect(seen).toEqual(['b', 'd', 'e'])
    }))

  test('B-58 an event that was published before the unsubscribe is not delivered after it', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      const subscription = bus.subscribe('done', () => void seen.push('never'))
      bus.subscribe('done', () => void seen.push('still'))
      const published = bus.publish('done')
      subscription.unsubscribe()
      await published
      expect(seen).toEqual(['still'])
    }))

  test('a handler that unsubscribes the next one in the middle of an event is obeyed', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      bus.subscribe('done', () => next.unsubscribe())
      const next = bus.subscribe('done', () => void seen.push('next'))
      bus.subscribe('done', () => void seen.push('last'))
      await bus.publish('done')
      expect(seen).toEqual(['last'])
    }))

  test('who subscribes after an event was published does not get it', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: string[] = []
      bus.subscribe('text', (value) => void seen.push(`first ${value}`))
      const published = bus.publish('text', 'early')
      bus.subscribe('text', (value) => void seen.push(`second ${value}`))
      await published
      await bus.publish('text', 'late')
      expect(seen).toEqual(['first early', 'first late', 'second late'])
    }))

  test('once has one event, of several that wait the first', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: number[] = []
      const subscription = bus.once('number', (value) => void seen.push(value))
      void bus.publish('number', 1)
      await bus.publish('number', 2)
      expect([seen, subscription.isActive, bus.handlerCount('number')]).toEqual([[1], false, 0])
    }))

  test('a signal unsubscribes, and is let go of with the subscription', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const controller = new AbortController()
      const seen: number[] = []
      bus.subscribe('number', (value) => void seen.push(value), { signal: controller.signal })
      await bus.publish('number', 1)
      controller.abort()
      await bus.publish('number', 2)
      bus.subscribe('number', (value) => void seen.push(value), { signal: controller.signal })
      await bus.publish('number', 3)
      expect([seen, bus.handlerCount('number')]).toEqual([[1], 0])
    }))

  test('F6 a handler that is no function is refused at the call', () =>
    runTest(({ pool }) => {
      const bus = makeBus(pool)
      expect(() => bus.subscribe('number', 5 as never)).toThrow(TypeError)
    }))

  test('W3 a handler that waits for its own event is told, and the event is delivered', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: unknown[] = []
      bus.subscribe('text', (value) => void seen.push(value))
      bus.subscribe('done', async () => {
        await bus.publish('text', 'inner').catch((error: unknown) => seen.push(error instanceof SequenceDeadlockError))
      })
      await bus.publish('done')
      await bus.close()
      expect(seen).toEqual([true, 'inner'])
    }))

  test('W5 close delivers what was published and what handlers publish meanwhile', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const seen: number[] = []
      bus.subscribe('number', async (value, context) => {
        if (value < 3) void bus.publish('number', value + 1)
        await context.sleep(10)
        seen.push(value)
      })
      const published = bus.publish('number', 1)
      const closed = bus.close()
      await expect(bus.publish('number', 9)).rejects.toThrow(RunnerClosedError)
      await Promise.all([published, closed])
      expect([seen, bus.handlerCount('number')]).toEqual([[1, 2, 3], 0])
      await bus.close()
    }))

  test('W4 shutdown lets the running handler end and drops what waits', () =>
    runTest(async (env) => {
      const { pool } = env
      const bus = makeBus(pool)
      const seen: string[] = []
      bus.subscribe('text', async (value, context) => {
        await context.sleep(10)
        seen.push(value)
      })
      bus.subscribe('text', (value) => void seen.push(`second ${value}`))
      const outcomes = Promise.allSettled([bus.publish('text', 'runs'), bus.publish('text', 'waits')])
      await env.sleep(5)
      bus.shutdown()
      bus.shutdown()
      const [first, second] = await outcomes
      await bus.close()
      expect(seen).toEqual(['runs'])
      expect([first, second]).toMatchObject([
        { reason: { code: 'ERR_RUNNER_CLOSED' } },
        { reason: { code: 'ERR_RUNNER_CLOSED' } },
      ])
    }))

  test('W4 an event that nobody waits for may be dropped: no rejection is left over', async () => {
    const leftOver: unknown[] = []
    const note = (reason: unknown): void => void leftOver.push(reason)
    process.on('unhandledRejection', note)
    await using env = createTestEnvironment()
    const bus = makeBus(env.pool)
    bus.subscribe('text', () => {})
    void bus.publish('text', 'dropped')
    bus.shutdown()
    await env.runUntilIdle()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(leftOver).toEqual([])
  })

  test('W3 close in a handler is refused, and closes all the same', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      let refusal: unknown
      bus.subscribe('done', async () => {
        refusal = await bus.close().catch((error: unknown) => error)
      })
      await bus.publish('done')
      expect(refusal).toBeInstanceOf(SequenceDeadlockError)
      await expect(bus.publish('done')).rejects.toThrow(RunnerClosedError)
    }))

  test.each([false, true])(
    'W3 W5 close in a handler ends the bus when all is delivered (trackRunner: %s)',
    async (trackRunner) => {
      await using env = createTestEnvironment({ pool: { trackRunner } })
      const bus = makeBus(env.pool)
      const { signal } = new AbortController()
      const seen: unknown[] = []
      bus.subscribe('done', async (_event, context) => {
        bus.close().catch((error: unknown) => seen.push(error instanceof SequenceDeadlockError))
        void bus.publish('number', 2)
        await context.sleep(10)
      })
      const subscription = bus.subscribe(
        'number',
        (value) => {
          seen.push(value)
          if (value === 2) void bus.publish('number', 3)
        },
        { signal },
      )
      void bus.publish('done')
      void bus.publish('number', 1)
      await env.advanceBy(10)
      expect([seen, subscription.isActive, bus.handlerCount('done')]).toEqual([[true, 1, 2, 3], false, 0])
      expect(getEventListeners(signal, 'abort')).toEqual([])
    },
  )

  test('fifty subscriptions with one signal are one listener, which goes with the last of them', () =>
    runTest(({ pool }) => {
      const [bus, other] = [makeBus(pool), makeBus(pool)]
      const controller = new AbortController()
      const { signal } = controller
      const listeners = () => getEventListeners(signal, 'abort').length
      const subscribe = () =>
        [bus, other].flatMap((one) => Array.from({ length: 25 }, () => one.once('done', () => {}, { signal })))
      const [first, ...rest] = subscribe()
      expect(listeners()).toBe(1)
      for (const subscription of rest) subscription.unsubscribe()
      expect(listeners()).toBe(1)
      first?.unsubscribe()
      first?.unsubscribe()
      expect(listeners()).toBe(0)
      const again = subscribe()
      expect(listeners()).toBe(1)
      controller.abort()
      expect([again.some(({ isActive }) => isActive), listeners()]).toEqual([false, 0])
    }))

  test('B-58 E4 a handler runs in the async context of the publisher', () =>
    runTest(async ({ pool }) => {
      const bus = makeBus(pool)
      const request = new AsyncLocalStorage<string>()
      const seen: unknown[] = []
      request.run('subscriber', () => bus.subscribe('done', () => void seen.push(request.getStore())))
      await Promise.all(['ann', 'bob'].map((name) => request.run(name, () => bus.publish('done'))))
      expect(seen).toEqual(['ann', 'bob'])
    }))

  test('F2 a handler that fails is reported by name, and harms no other', async () => {
    const errors: TaskErrorEvent[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: (event) => void errors.push(event) } })
    const bus = makeBus(env.pool)
    const seen: string[] = []
    bus.subscribe('text', function sync() {
      throw new Error('sync')
    })
    bus.subscribe('text', () => Promise.reject(new Error('async')), { name: 'mail' })
    bus.subscribe('text', (value) => void seen.push(value))
    const published = bus.publish('text', 'x')
    await env.runUntilIdle()
    await published
    expect(seen).toEqual(['x'])
    expect(errors.map(({ name, error }) => [name, (error as Error).message])).toEqual([
      ['text: sync', 'sync'],
      ['text: mail', 'async'],
    ])
  })
})

describe('the runner of an event bus', () => {
  test('its own is closed with the bus, and named after it', () =>
    runTest(async ({ pool }) => {
      const bus = new EventBus<Events>(pool, { name: 'bus' })
      expect(bus.runner.name).toBe('bus')
      await bus.close()
      expect(bus.runner.isClosed).toBe(true)
    }))

  test('B-58 a borrowed one is left open by close and by shutdown', () =>
    runTest(async ({ pool }) => {
      const runner = new SequencedTaskRunner(pool)
      const first = new EventBus<Events>(runner)
      const second = new EventBus<Events>(runner)
      await first.close()
      second.shutdown()
      expect(await runner.run(() => 'still there')).toBe('still there')
      expect(runner.isClosed).toBe(false)
    }))

  test('S2 handlers and the tasks of a borrowed runner do not overlap', () =>
    runTest(async ({ pool }) => {
      const runner = new SequencedTaskRunner(pool)
      const bus = new EventBus<Events>(runner)
      let balance = 0
      const add: Parameters<TaskRunner['run']>[0] = async (context) => {
        const before = balance
        await context.sleep(1)
        balance = before + 1
      }
      bus.subscribe('done', (_event, context) => add(context))
      const publications = Array.from({ length: 5 }, () => [bus.publish('done'), runner.run(add)])
      await Promise.all(publications.flat())
      expect(balance).toBe(10)
    }))

  test('W7 when a borrowed one is shut down, the bus is closed and who waits is told', () =>
    runTest(async ({ pool }) => {
      const runner = new SequencedTaskRunner(pool)
      const bus = new EventBus<Events>(runner)
      bus.subscribe('number', () => {})
      const refused = expect(bus.publish('number', 1)).rejects.toThrow(RunnerClosedError)
      runner.shutdown()
      await refused
      await expect(bus.publish('number', 2)).rejects.toThrow(RunnerClosedError)
      expect(bus.isClosed).toBe(true)
      await bus.close()
    }))

  test('W3 Q1 a full one does not keep a bus open that a task of it closes', async () => {
    await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const runner = new SequencedTaskRunner(env.pool, { queueLimit: 2 })
    const bus = new EventBus<Events>(runner)
    const seen: unknown[] = []
    const subscription = bus.subscribe('number', (value) => void seen.push(value))
    runner.postTask(() => {
      bus.close().catch(() => {})
      runner.postTask(() => void bus.publish('number', 1).catch(() => {}))
      runner.postTask(() => {})
    })
    await env.runUntilIdle()
    runner.postTask(() => void bus.publish('number', 2).catch((error: unknown) => seen.push(error instanceof RunnerClosedError)))
    await env.runUntilIdle()
    expect([seen, subscription.isActive]).toEqual([[1, true], false])
  })

  test.each(['close', 'shutdown'] as const)('W3 %s of a borrowed one ends a bus that its task has closed', async (how) => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const [first, second] = [new EventBus<Events>(runner), new EventBus<Events>(runner)]
    const subscriptions = [first, second].map((bus) => bus.subscribe('done', () => {}))
    runner.postTask(async (context) => {
      first.close().catch(() => {})
      await context.sleep(10)
    })
    await env.advanceBy(5)
    void runner[how]()
    await env.advanceBy(5)
    expect(subscriptions.map(({ isActive }) => isActive)).toEqual([false, true])
  })

  test('Q1 a full one refuses the event, by the promise', async () => {
    await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const bus = new EventBus<Events>(new SequencedTaskRunner(env.pool, { queueLimit: 2 }))
    const seen: number[] = []
    bus.subscribe('number', (value) => void seen.push(value))
    // Each publication is two tasks; the first of all has a free slot, and does not wait.
    const outcomes = Promise.allSettled([1, 2].map((value) => bus.publish('number', value)))
    await env.runUntilIdle()
    const [first, second] = await outcomes
    expect([first?.status, (second as PromiseRejectedResult).reason instanceof QueueFullError, seen]).toEqual([
      'fulfilled',
      true,
      [1, 2],
    ])
  })

  test('Q1 a full one that drops the call of a handler says so, by the promise', async () => {
    await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const bus = new EventBus<Events>(new SequencedTaskRunner(env.pool, { queueLimit: 2, onFull: 'drop-oldest' }))
    const seen: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) bus.subscribe('number', () => void seen.push(name), { name })
    const published = bus.publish('number', 1)
    const refused = expect(published).rejects.toThrow(/event "number" did not reach handler "number: b".*full/)
    await env.runUntilIdle()
    await refused
    expect(seen).toEqual(['a', 'd'])
  })

  test('a parallel one is refused: it is no sequence', () =>
    runTest(({ pool }) => {
      const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
      expect(() => new EventBus<Events>(runner)).toThrow(TypeError)
    }))
})
