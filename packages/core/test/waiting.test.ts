import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  RunnerClosedError,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskContext,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 3 }),
}

const quietEnvironment = () => createTestEnvironment({ pool: { onTaskError: () => {}, onTaskRejected: () => {} } })

/** What became of promises so far. */
const watch = (promises: Readonly<Record<string, Promise<unknown>>>): string[] => {
  const seen: string[] = []
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => seen.push(name),
      (error: unknown) => seen.push(`${name}: ${(error as Error)?.name ?? String(error)}`),
    )
  }
  return seen
}

describe.each(Object.entries(runners))('waiting for a %s runner', (_kind, makeRunner) => {
  test('W1 G-105 waitIdle resolves when everything posted before it has settled, and the counters say so', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let ran = 0
    for (let task = 0; task < 10; task++) runner.postTask((context) => context.sleep(10).then(() => void ran++))
    let atThatTime: unknown
    void runner.waitIdle().then(() => {
      const { running, pending, completed } = runner.stats()
      atThatTime = { ran, running, pending, completed, active: env.pool.stats().active }
    })
    await env.fastForwardUntilNoTasksRemain()
    expect(atThatTime).toEqual({ ran: 10, running: 0, pending: 0, completed: 10, active: 0 })
  })

  test('W1 waitIdle of an idle runner resolves at once', async () => {
    await using env = createTestEnvironment()
    await makeRunner(env.pool).waitIdle()
    expect(env.clock.now()).toBe(0)
  })

  test('W1 waitIdle holds nothing back, and does not wait for what is posted after the call', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => {})
    const seen = watch({ idle: runner.waitIdle() })
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    expect(seen).toEqual(['idle'])
    gate.resolve()
    await env.runUntilIdle()
  })

  test('W1 waitIdle does not wait for delays that have not passed, nor for repeating tasks', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const delayed = runner.postDelayedTask(() => {}, 1000)
    using _repeating = runner.postRepeatingTask(() => {}, 1000)
    runner.postTask(() => {})
    const seen = watch({ idle: runner.waitIdle(), quiescent: runner.waitQuiescent() })
    await env.runUntilIdle()
    expect(seen.toSorted()).toEqual(['idle', 'quiescent'])
    delayed.cancel()
  })

  test('W1 G-85 many waits, one after the other and at once, all resolve, each at its time', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gates = [deferred(), deferred(), deferred()] as const
    const waits: Record<string, Promise<void>> = {}
    for (const [index, gate] of gates.entries()) {
      runner.postTask(() => gate.promise)
      waits[`${index}`] = runner.waitIdle()
      waits[`${index} again`] = runner.waitIdle()
    }
    const seen = watch(waits)
    for (const gate of gates) {
      gate.resolve()
      await env.runUntilIdle()
    }
    expect(seen).toEqual(['0', '0 again', '1', '1 again', '2', '2 again'])
  })

  test('W1 waitIdle counts cancelled and failed tasks as settled', async () => {
    await using env = quietEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    runner.postTask(() => {
      throw new Error('expected')
    })
    const handle = runner.postTask(() => {})
    const seen = watch({ idle: runner.waitIdle() })
    handle.cancel()
    await env.runUntilIdle()
    expect(seen).toEqual([])
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['idle'])
  })

  test('W1 C2 a cancelled task that still runs is waited for', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const handle = runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const seen = watch({ idle: runner.waitIdle() })
    handle.cancel()
    await env.runUntilIdle()
    expect(seen).toEqual([])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['idle'])
  })

  test('W1 SHD-09 G-108 flush: what was posted before has settled, what is posted after starts when the callback has ended', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    for (const task of [1, 2, 3, 4, 5])
      runner.postTask((context) => context.sleep(10 * task).then(() => void seen.push(`before ${task}`)))
    const flushed = runner.flush(async (context) => {
      seen.push('callback')
      await context.sleep(100)
      seen.push('callback ends')
    })
    for (const task of [1, 2]) runner.postTask(() => void seen.push(`after ${task}`), { priority: 'user-blocking' })
    expect(runner.stats()).toMatchObject({ barrierPending: true, pending: 7 })
    await env.fastForwardUntilNoTasksRemain()
    await flushed
    expect(seen).toEqual([
      'before 1',
      'before 2',
      'before 3',
      'before 4',
      'before 5',
      'callback',
      'callback ends',
      'after 1',
      'after 2',
    ])
    expect(runner.stats()).toMatchObject({ barrierPending: false, pending: 0, running: 0 })
  })

  test('W1 flush on an idle runner is exclusive too', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const seen: string[] = []
    const flushed = runner.flush(async () => {
      await gate.promise
      seen.push('callback ends')
    })
    runner.postTask(() => void seen.push('after'))
    await env.runUntilIdle()
    expect(seen).toEqual([])
    gate.resolve()
    await env.runUntilIdle()
    await flushed
    expect(seen).toEqual(['callback ends', 'after'])
  })

  test('W1 G-88 several barriers keep their order, tasks between them as well', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    const outcomes: Promise<void>[] = []
    for (let barrier = 0; barrier < 10; barrier++) {
      if (barrier % 2 === 0) runner.postTask((context) => context.sleep(5).then(() => void seen.push(`task ${barrier}`)))
      outcomes.push(runner.flush(() => void seen.push(`barrier ${barrier}`)))
    }
    await env.fastForwardUntilNoTasksRemain()
    await Promise.all(outcomes)
    expect(seen).toEqual(
      Array.from({ length: 10 }, (_, index) =>
        index % 2 === 0 ? [`task ${index}`, `barrier ${index}`] : [`barrier ${index}`],
      ).flat(),
    )
  })

  test('W1 flush without a callback, and with one that throws: the caller is told, the next works', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const error = new Error('expected')
    const outcomes = Promise.allSettled([
      runner.flush(),
      runner.flush(() => {
        throw error
      }),
      runner.flush(async () => {
        throw error
      }),
      runner.flush(() => {}),
    ])
    await env.runUntilIdle()
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(() => runner.flush(5 as never)).toThrow(TypeError)
  })

  test('W2 waitQuiescent also waits for what those tasks post, level after level', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let level = 0
    const post = (): void => {
      runner.postTask(async (context) => {
        await context.sleep(10)
        if (++level < 5) post()
      })
    }
    post()
    const levels: number[] = []
    void runner.waitIdle().then(() => levels.push(level))
    void runner.waitQuiescent().then(() => levels.push(level))
    await env.fastForwardUntilNoTasksRemain()
    expect(levels).toEqual([1, 5])
  })

  test('W2 waitQuiescent waits for delayed tasks that fall due meanwhile', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const pause = runner.pause()
    runner.postTask(() => {})
    runner.postDelayedTask(() => gate.promise, 10)
    const seen = watch({ quiescent: runner.waitQuiescent() })
    await env.advanceBy(10)
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual([])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['quiescent'])
  })

  test('W3 G-86 G-106 an aborted wait rejects with the reason, and leaves nothing behind', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const aborter = new AbortController()
    const waits = [runner.waitIdle({ signal: aborter.signal }), runner.waitQuiescent({ signal: aborter.signal })]
    const outcomes = Promise.allSettled(waits)
    aborter.abort('no more time')
    expect((await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual(['no more time', 'no more time'])
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
    await expect(runner.waitIdle({ signal: aborter.signal })).rejects.toBe('no more time')
    let started = false
    runner.postTask(() => void (started = true))
    gate.resolve()
    await env.runUntilIdle()
    expect(started).toBe(true)
  })

  test('W3 every waiter settles when the runner is shut down: waits when what ran has ended, flush with RunnerClosedError', async () => {
    await using env = quietEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    for (let task = 0; task < 5; task++) runner.postTask(() => {})
    const seen = watch({
      idle: runner.waitIdle(),
      quiescent: runner.waitQuiescent(),
      flush: runner.flush(),
      closed: runner.closed,
    })
    runner.shutdown()
    await env.runUntilIdle()
    expect(seen).toEqual(['flush: RunnerClosedError'])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen.toSorted()).toEqual(['closed', 'flush: RunnerClosedError', 'idle', 'quiescent'])
  })

  test('W3 every waiter settles when the pool is terminated', async () => {
    const env = quietEnvironment()
    const runner = makeRunner(env.pool)
    const never = deferred()
    runner.postTask(() => never.promise)
    await env.runUntilIdle()
    runner.postTask(() => {})
    const seen = watch({
      run: runner.run(() => {}),
      idle: runner.waitIdle(),
      quiescent: runner.waitQuiescent(),
      flush: runner.flush(),
      closed: runner.closed,
      'run after': runner.run(() => {}),
    })
    await env.pool.terminate()
    await env.runUntilIdle()
    expect(seen.map((entry) => entry.replace(/:.*/, '')).toSorted()).toEqual([
      'closed',
      'flush',
      'idle',
      'quiescent',
      'run',
      'run after',
    ])
  })

  test('W3 G-107 waits on a closed runner resolve; flush and ready tell that it is closed', async () => {
    await using env = quietEnvironment()
    const runner = makeRunner(env.pool)
    runner.shutdown()
    await runner.waitIdle()
    await runner.waitQuiescent()
    await expect(runner.flush()).rejects.toThrow(RunnerClosedError)
    await expect(runner.ready()).rejects.toThrow(RunnerClosedError)
    await env.runUntilIdle()
  })

  test.each(['waitIdle', 'waitQuiescent', 'flush'] as const)(
    'W3 %s inside a task of the same runner is a SequenceDeadlockError',
    async (call) => {
      await using pool = new ThreadPool({ executor: inlineExecutor() })
      const runner = makeRunner(pool)
      const caught = await runner.run(async () => {
        try {
          await runner[call]()
          return undefined
        } catch (error) {
          return error
        }
      })
      expect(caught).toBeInstanceOf(SequenceDeadlockError)
      expect((caught as Error).message).toContain(`${call}()`)
      await runner[call]()
    },
  )

  test('W3 with trackRunner the wait for oneself is seen after an await too', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const outcome = runner.run(async (context) => {
      await undefined
      await context.yield()
      await runner.waitIdle()
    })
    await expect(outcome).rejects.toThrow(SequenceDeadlockError)
  })

  test('W3 waiting for another runner inside a task is fine', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const other = makeRunner(pool)
    const value = await runner.run(async () => {
      other.postTask(() => {})
      await other.waitIdle()
      await other.flush()
      return other.run(() => 'fine')
    })
    expect(value).toBe('fine')
  })
})

const sequences = { sequenced: runners.sequenced, 'single-thread': runners['single-thread'] }

describe.each(Object.entries(sequences))('a %s runner that waits for itself', (_kind, makeRunner) => {
  test('W3 SEQ-16 run on its own runner inside a task rejects, is not queued, and the sequence goes on', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    let ran = false
    const outcome = runner.run(async () => runner.run(() => void (ran = true)), { name: 'outer' })
    await expect(outcome).rejects.toThrow(SequenceDeadlockError)
    await expect(outcome).rejects.toThrow(/"outer".*"r".*run\(\)/)
    expect(await runner.run(() => 'next')).toBe('next')
    expect(ran).toBe(false)
  })

  test('W3 a task that has been cancelled but still holds the sequence is refused as well', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const gate = deferred()
    const caught = deferred<unknown>()
    const started = deferred()
    const handle = runner.postTask(async () => {
      started.resolve()
      await gate.promise
      await runner.run(() => {}).catch(caught.resolve)
    })
    await started.promise
    handle.cancel()
    gate.resolve()
    expect(await caught.promise).toBeInstanceOf(SequenceDeadlockError)
    await runner.waitIdle()
  })

  test('W3 a callback that a task left behind may run there later', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const later = deferred<string>()
    runner.postTask(() => {
      setImmediate(() => void runner.run(() => 'fine').then(later.resolve, later.reject))
    })
    expect(await later.promise).toBe('fine')
  })
})

test('P1 run on its own parallel runner inside a task is queued: another slot may take it', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  expect(await runner.run(async () => runner.run(() => 'inner'))).toBe('inner')
})

test('W1 random interleavings: waitIdle resolves exactly when the tasks posted before it have settled', async () => {
  await using env = createTestEnvironment({ seed: 3 })
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4 })
  const settled = new Set<number>()
  const failures: string[] = []
  let posted = 0
  for (let round = 0; round < 60; round++) {
    const count = Math.floor(env.random() * 4)
    for (let task = 0; task < count; task++) {
      const id = posted++
      runner.postTask((context: TaskContext) => context.sleep(1 + Math.floor(env.random() * 20)).then(() => void settled.add(id)))
    }
    const upTo = posted
    void runner.waitIdle().then(() => {
      for (let id = 0; id < upTo; id++)
        if (!settled.has(id)) failures.push(`wait ${round} resolved before task ${id} had settled`)
    })
    if (round % 3 === 0) await env.advanceBy(env.random() * 10)
  }
  await env.fastForwardUntilNoTasksRemain()
  expect(failures).toEqual([])
  expect(settled.size).toBe(posted)
})
