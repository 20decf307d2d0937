import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import {
  type Observer,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  TaskCancelledError,
  type TaskContext,
  type TaskErrorEvent,
  type TaskRunner,
  type TaskStartedEvent,
  TaskTimeoutError,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 2 }),
}

const quietEnvironment = () => {
  const errors: TaskErrorEvent[] = []
  return { errors, env: createTestEnvironment({ pool: { onTaskError: (event) => void errors.push(event) } }) }
}

describe.each(Object.entries(runners))('cancelling on a %s runner', (_kind, makeRunner) => {
  test('C1 TRK-10 a signal that fired before the post: the task never queues, run rejects with the very reason', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const reason = { my: 'reason' }
    const signal = AbortSignal.abort(reason)
    let ran = false
    const outcome = runner.run(() => void (ran = true), { signal })
    const handle = runner.postTask(() => void (ran = true), { signal })
    expect([handle.state, runner.stats().pending]).toEqual(['cancelled', 0])
    await expect(outcome).rejects.toBe(reason)
    await env.runUntilIdle()
    expect(ran).toBe(false)
    expect([getEventListeners(signal, 'abort').length, runner.stats().cancelled]).toEqual([0, 2])
  })

  test('C1 TRK-11 abort while queued: taken out, rejected once, no listener left', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    const aborter = new AbortController()
    let ran = false
    const outcome = runner.run(() => void (ran = true), { signal: aborter.signal })
    const delayed = runner.run(() => void (ran = true), { signal: aborter.signal, delay: 10 })
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(1)
    aborter.abort()
    expect([runner.stats().pending, runner.stats().delayed, env.nextDeadline()]).toEqual([0, 0, undefined])
    await expect(outcome).rejects.toBe(aborter.signal.reason)
    await expect(delayed).rejects.toBe(aborter.signal.reason)
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
    pause[Symbol.dispose]()
    await env.advanceBy(20)
    expect(ran).toBe(false)
  })

  test('C1 handle.cancel before the start: true, once; run and state tell', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let ran = false
    const handle = runner.postTask(() => void (ran = true), { name: 'victim' })
    expect(handle.cancel()).toBe(true)
    expect(handle.cancel()).toBe(false)
    expect(handle.state).toBe('cancelled')
    await env.runUntilIdle()
    expect(ran).toBe(false)
    expect(runner.stats()).toMatchObject({ pending: 0, cancelled: 1, completed: 0 })
  })

  test('C1 TRK-13 using: a task that still waits when its handle leaves the scope is cancelled', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    {
      using _handle = runner.postTask(() => void seen.push('in the scope'))
    }
    {
      using _handle = runner.postTask(() => void seen.push('done before the end of the scope'))
      await env.runUntilIdle()
    }
    expect(seen).toEqual(['done before the end of the scope'])
  })

  test('C1 TRK-08 cancelling what has ended does nothing', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const done = runner.postTask(() => {})
    const failed = runner.postTask(() => {
      throw new Error('expected')
    })
    await env.runUntilIdle()
    expect([done.cancel(), failed.cancel()]).toEqual([false, false])
    expect([done.state, failed.state]).toEqual(['succeeded', 'failed'])
    await env[Symbol.asyncDispose]()
  })

  test('C1 queueTimeout counts from the post: the task never runs, run rejects with TaskTimeoutError', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    let ran = false
    const outcome = runner.run(() => void (ran = true), { queueTimeout: 30, name: 'late' })
    outcome.catch(() => {})
    await env.advanceBy(29)
    expect(runner.stats().pending).toBe(1)
    await env.advanceBy(1)
    expect(runner.stats().pending).toBe(0)
    await expect(outcome).rejects.toThrow(TaskTimeoutError)
    await expect(outcome).rejects.toThrow(/"late".*"r".*queueTimeout of 30 ms/)
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    expect(ran).toBe(false)
  })

  test('C1 queueTimeout does not count a delay, and ends with the start', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    const outcome = runner.run(
      async (context) => {
        starts.push(env.clock.now())
        await context.sleep(100)
        return 'done'
      },
      { delay: 50, queueTimeout: 10 },
    )
    await env.advanceBy(150)
    expect(await outcome).toBe('done')
    expect(starts).toEqual([50])
  })

  test.each(['onStarted', 'onRun'] as const)(
    'C1 a task that is cancelled in %s never runs, and the next one does',
    async (hook) => {
      const ran: string[] = []
      const cancelUnwanted = ({ task }: TaskStartedEvent): void => {
        if (task.name === 'unwanted') task.cancel('not wanted')
      }
      const observer: Observer =
        hook === 'onStarted'
          ? { onStarted: cancelUnwanted }
          : {
              onRun: (event, run) => {
                cancelUnwanted(event)
                run()
              },
            }
      await using env = createTestEnvironment({ pool: { observer } })
      const runner = makeRunner(env.pool)
      const unwanted = expect(runner.run(() => ran.push('unwanted'), { name: 'unwanted' })).rejects.toBe('not wanted')
      const behind = runner.run(() => ran.push('behind'))
      await env.runUntilIdle()
      await Promise.all([unwanted, behind])
      expect(ran).toEqual(['behind'])
      expect(runner.stats()).toMatchObject({ running: 0, cancelled: 1, completed: 1 })
    },
  )

  test('C2 cancel while it runs: run rejects at once, the signal fires, and the state is cancelled', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const reasons: unknown[] = []
    const aborter = new AbortController()
    const outcome = runner.run(
      async (context) => {
        context.signal.addEventListener('abort', () => reasons.push(context.signal.reason))
        await gate.promise
      },
      { signal: aborter.signal },
    )
    outcome.catch(() => {})
    await env.runUntilIdle()
    aborter.abort('stop')
    expect(reasons).toEqual(['stop'])
    await expect(outcome).rejects.toBe('stop')
    expect(runner.stats()).toMatchObject({ running: 1, cancelled: 1 })
    gate.resolve()
    await env.runUntilIdle()
    expect(runner.stats()).toMatchObject({ running: 0, cancelled: 1, completed: 0 })
  })

  test('C2 S2 a cancelled task keeps its place until it has really settled', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    const seen: string[] = []
    const handle = runner.postTask(async () => {
      await gate.promise
      seen.push('really ends')
    })
    runner.postTask(() => void seen.push('next'))
    await env.runUntilIdle()
    expect(handle.cancel()).toBe(true)
    expect(handle.state).toBe('cancelled')
    expect(handle.cancel()).toBe(false)
    await env.advanceBy(1000)
    expect(seen).toEqual([])
    expect(env.pool.stats().active).toBe(1)
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['really ends', 'next'])
  })

  test('C2 timeout counts from the start: TaskTimeoutError for run, and as the reason of the signal', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let reason: unknown
    const pause = runner.pause()
    const outcome = runner.run(
      async (context) => {
        await context.sleep(1000).catch(() => {})
        reason = context.signal.reason
      },
      { timeout: 20, name: 'slow' },
    )
    outcome.catch(() => {})
    await env.advanceBy(100)
    pause[Symbol.dispose]()
    await env.advanceBy(19)
    expect(reason).toBeUndefined()
    await env.advanceBy(1)
    await expect(outcome).rejects.toThrow(TaskTimeoutError)
    await expect(outcome).rejects.toThrow(/"slow".*timeout of 20 ms/)
    expect(reason).toBeInstanceOf(TaskTimeoutError)
  })

  test('C2 a task within its time limits leaves no timer', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    runner.postTask(() => {}, { timeout: 1000, queueTimeout: 1000 })
    await env.runUntilIdle()
    expect(env.nextDeadline()).toBeUndefined()
  })

  test('C2 F2 a time limit of a posted task goes to the error hook; the cancel of its owner does not', async () => {
    const { env, errors } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const limited = runner.postTask((context) => context.sleep(1000).catch(() => {}), { timeout: 20 })
    const cancelled = runner.postTask((context) => context.sleep(1000).catch(() => {}))
    await env.advanceBy(20)
    cancelled.cancel()
    await env.advanceBy(20)
    expect(errors.map(({ task, error }) => [task, error])).toEqual([[limited, expect.any(TaskTimeoutError)]])
    await env[Symbol.asyncDispose]()
  })

  test('C2 context.sleep rejects with the reason as soon as the signal fires', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let caught: unknown
    const handle = runner.postTask(async (context) => {
      await context.sleep(1000).catch((error: unknown) => {
        caught = error
      })
    })
    await env.advanceBy(10)
    handle.cancel('wake up')
    await env.runUntilIdle()
    expect([caught, env.nextDeadline(), runner.stats().running]).toEqual(['wake up', undefined, 0])
  })

  test('C2 sleep and yield of a cancelled task reject at once, and those of an ended task too', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const caught: unknown[] = []
    const gate = deferred()
    let sleepLater = (): Promise<void> => Promise.resolve()
    const handle = runner.postTask(async (context) => {
      sleepLater = () => context.sleep(5)
      await gate.promise
      await context.sleep(5).catch((error: unknown) => caught.push(error))
      await context.yield().catch((error: unknown) => caught.push(error))
    })
    await env.runUntilIdle()
    handle.cancel('over')
    gate.resolve()
    await env.runUntilIdle()
    expect(caught).toEqual(['over', 'over'])
    await expect(sleepLater()).rejects.toBe('over')
  })

  test('C2 a sleep that its task did not await ends with the task', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let sleeping: Promise<void> | undefined
    runner.postTask((context) => {
      sleeping = context.sleep(1000)
    })
    await env.runUntilIdle()
    expect(env.nextDeadline()).toBeUndefined()
    await expect(sleeping).rejects.toThrow(TaskCancelledError)
  })

  test('C2 F2 a cancelled task that throws its reason or an AbortError is quiet; another error is reported', async () => {
    const { env, errors } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const bug = new Error('a real bug')
    const throwers = [(reason: unknown) => reason, () => new DOMException('aborted', 'AbortError'), () => bug]
    for (const thrower of throwers) {
      const gate = deferred()
      const handle = runner.postTask(async (context) => {
        await gate.promise
        throw thrower(context.signal.reason)
      })
      await env.runUntilIdle()
      handle.cancel()
      gate.resolve()
      await env.runUntilIdle()
    }
    expect(errors.map(({ error }) => error)).toEqual([bug])
    await env[Symbol.asyncDispose]()
  })

  test('C1 C2 TRK-05 TRK-07 one signal for many tasks: all its tasks, and only those', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const aborter = new AbortController()
    const seen: number[] = []
    const pause = runner.pause()
    const handles = Array.from({ length: 10 }, (_, task) =>
      runner.postTask(() => void seen.push(task), task % 2 === 0 ? { signal: aborter.signal } : {}),
    )
    aborter.abort()
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual([1, 3, 5, 7, 9])
    expect(handles.filter(({ state }) => state === 'cancelled')).toHaveLength(5)
  })

  test('C1 without a reason of its own, a cancel rejects with a TaskCancelledError that names task and runner', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const reasons: unknown[] = []
    const handle = runner.postTaskAndReply(
      () => {},
      () => {},
      { name: 'victim', replyTo: runner, onError: (error) => void reasons.push(error) },
    )
    handle.cancel()
    await env.runUntilIdle()
    expect(reasons).toEqual([expect.any(TaskCancelledError)])
    expect((reasons[0] as Error).message).toMatch(/"victim".*"r"/)
  })
})

describe('one signal', () => {
  test('C1 TRK-12 100,000 tasks share one listener, and one abort takes all of them out', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const pause = runner.pause()
    const aborter = new AbortController()
    for (let task = 0; task < 100_000; task++) runner.postTask(() => {}, { signal: aborter.signal })
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(1)
    aborter.abort()
    expect(runner.stats()).toMatchObject({ pending: 0, cancelled: 100_000 })
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
    pause[Symbol.dispose]()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('C1 the listener goes with the last of its tasks, however they end', async () => {
    const { env } = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    runner.postTask(() => {}, { signal })
    runner.postTask(
      () => {
        throw new Error('expected')
      },
      { signal },
    )
    runner.postTask((context) => context.sleep(5), { signal })
    const cancelled = runner.postTask(() => {}, { signal })
    const delayed = runner.postDelayedTask(() => {}, 100, { signal })
    expect(listeners()).toBe(1)
    cancelled.cancel()
    await env.advanceBy(5)
    expect(listeners()).toBe(1)
    delayed.cancel()
    expect(listeners()).toBe(0)
    runner.postTask(() => {}, { signal })
    expect(listeners()).toBe(1)
    runner.shutdown()
    expect(listeners()).toBe(0)
    await env[Symbol.asyncDispose]()
  })

  test('C1 an abort listener that posts and cancels on the same signal does no harm', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const aborter = new AbortController()
    const states: string[] = []
    const gate = deferred()
    runner.postTask(
      async (context) => {
        context.signal.addEventListener('abort', () => {
          states.push(runner.postTask(() => {}, { signal: aborter.signal }).state)
          other.cancel()
        })
        await gate.promise
      },
      { signal: aborter.signal },
    )
    const other = runner.postTask(() => {}, { signal: aborter.signal })
    await env.runUntilIdle()
    aborter.abort()
    gate.resolve()
    await env.runUntilIdle()
    expect([states, other.state, runner.stats().cancelled]).toEqual([['cancelled'], 'cancelled', 3])
  })
})

describe.each(['sleep', 'yield'] as const)('a %s that its task does not await', (what) => {
  const pause = (context: TaskContext): Promise<void> => (what === 'sleep' ? context.sleep(1e6) : context.yield())

  /** The rejections that were left unhandled while `body` went on. */
  const unhandledIn = async (body: (runner: TaskRunner) => Promise<void>): Promise<readonly unknown[]> => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    await body(new SequencedTaskRunner(pool))
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    return unhandled
  }

  test('C2 ends with its task, and is no unhandled rejection', async () => {
    const unhandled = await unhandledIn(async (runner) => {
      runner.postTask((context) => void pause(context))
      await runner.waitIdle()
    })
    expect(unhandled).toEqual([])
  })

  test('C2 is no unhandled rejection when the task is cancelled, and rejects when it is awaited later', async () => {
    let caught: unknown
    const unhandled = await unhandledIn(async (runner) => {
      const gate = deferred()
      const handle = runner.postTask(async (context) => {
        const pausing = pause(context)
        await gate.promise
        await pausing.catch((error: unknown) => {
          caught = error
        })
      })
      while (handle.state === 'queued') await undefined
      handle.cancel('enough')
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      gate.resolve()
      await runner.waitIdle()
    })
    expect([caught, unhandled]).toEqual(['enough', []])
  })
})
