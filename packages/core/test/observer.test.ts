import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Observer,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  systemClock,
  type TaskContext,
  type TaskEvent,
  type TaskFinishedEvent,
  type TaskHandle,
  type TaskPostedEvent,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { taskContext } from '@posttask/core/worker'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 1 }),
}

/** Notes each event as a word. */
const recorder = () => {
  const seen: string[] = []
  const finished: TaskFinishedEvent[] = []
  const depths: number[] = []
  const observer: Observer = {
    onPosted: ({ name }) => void seen.push(`posted ${name}`),
    onStarted: ({ name }) => void seen.push(`started ${name}`),
    onFinished: (event) => {
      finished.push(event)
      seen.push(`${event.outcome} ${event.name}`)
    },
    onRejected: ({ name, reason }) => void seen.push(`rejected ${name} ${reason}`),
    onQueueDepth: ({ depth }) => void depths.push(depth),
  }
  return { seen, finished, depths, observer }
}

describe.each(Object.entries(runners))('observing a %s runner', (kind, makeRunner) => {
  test('F2 one ending for each task, with runner, name, priority, wait and run time, outcome', async () => {
    const { seen, finished, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer, onTaskError: () => {} } })
    const runner = makeRunner(env.pool)
    const error = new Error('expected')
    runner.postTask((context) => context.sleep(30), { name: 'slow', priority: 'user-blocking' })
    runner.postTask(
      () => {
        throw error
      },
      { name: 'bad' },
    )
    const victim = runner.postTask(() => {}, { name: 'victim' })
    await env.advanceBy(10)
    victim.cancel('no')
    await env.advanceBy(20)
    expect(seen).toEqual([
      'posted slow',
      'posted bad',
      'posted victim',
      'started slow',
      'cancelled victim',
      'succeeded slow',
      'started bad',
      'failed bad',
    ])
    expect(
      finished.map(({ runner: on, priority, hasStarted, waitMs, runMs, error: why }) => {
        return [on === runner, priority, hasStarted, waitMs, runMs, why]
      }),
    ).toEqual([
      [true, 'user-visible', false, 10, 0, 'no'],
      [true, 'user-blocking', true, 0, 30, undefined],
      [true, 'user-visible', true, 30, 0, error],
    ])
  })

  test('F2 G-26 a task that was dropped has no start and no failure', async () => {
    const { seen, observer } = recorder()
    const errors: unknown[] = []
    await using env = createTestEnvironment({ pool: { observer, onTaskError: (event) => void errors.push(event) } })
    const runner = makeRunner(env.pool)
    runner.postTask(
      () => {
        throw new Error('never')
      },
      { name: 'bad' },
    )
    runner.shutdown()
    await env.runUntilIdle()
    expect(seen).toEqual(['posted bad', 'rejected bad shutdown'])
    expect(errors).toEqual([])
  })

  test('D1 a delayed task is posted to the queue when it is due: its wait does not count the delay', async () => {
    const { seen, finished, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = makeRunner(env.pool)
    runner.postDelayedTask(() => {}, 50, { name: 'late' })
    expect(seen).toEqual([])
    await env.advanceBy(50)
    expect(seen).toEqual(['posted late', 'started late', 'succeeded late'])
    expect(finished[0]?.waitMs).toBe(0)
  })

  test('C2 a cancelled running task ends once for the observer', async () => {
    const { seen, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const handle = runner.postTask(() => gate.promise, { name: 't' })
    await env.runUntilIdle()
    handle.cancel()
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['posted t', 'started t', 'cancelled t'])
  })

  test('G-16 the queue depth after each change, of each runner by itself', async () => {
    const { depths, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = makeRunner(env.pool)
    for (let task = 0; task < 3; task++) runner.postTask(() => {})
    expect(depths).toEqual([1, 2, 3])
    await env.runUntilIdle()
    expect(depths).toEqual([1, 2, 3, 2, 1, 0])
  })

  test('G-16 the queue depth is told when tasks are cancelled or dropped as well', async () => {
    const { depths, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = makeRunner(env.pool)
    const handles = [1, 2, 3].map(() => runner.postTask(() => {}))
    handles[0]?.cancel()
    expect(depths.at(-1)).toBe(2)
    runner.shutdown()
    expect(depths.at(-1)).toBe(0)
    await env.runUntilIdle()
  })

  test('F3 an observer may cancel a task while it is told of one that is cancelled: each leaves the queue once', async () => {
    const handles: TaskHandle[] = []
    const depths: number[] = []
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    for (let n = 0; n < 8; n++) handles.push(runner.postTask(() => {}))
    env.pool.addObserver({
      onQueueDepth: ({ depth }) => {
        depths.push(depth)
        handles.find(({ state }) => state === 'queued')?.cancel()
      },
    })
    expect(handles[3]?.cancel()).toBe(true)
    expect(runner.stats()).toMatchObject({ pending: 0, cancelled: 8 })
    expect(depths).toEqual([7, 6, 5, 4, 3, 2, 1, 0])
    pause[Symbol.dispose]()
    await runner.waitIdle()
  })

  test('G-57 G-78 G-96 stats: what waits, what runs, what became of the rest', async () => {
    await using env = createTestEnvironment({ pool: { onTaskError: () => {}, onTaskRejected: () => {} } })
    const runner = makeRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    runner.postTask(() => {})
    runner.postTask(() => {
      throw new Error('expected')
    })
    runner.postTask(() => {}).cancel()
    const delayed = runner.postDelayedTask(() => {}, 1000)
    using _repeating = runner.postRepeatingTask(() => {}, 1000)
    expect(runner.stats()).toEqual({
      name: 'r',
      kind,
      priority: 'user-visible',
      pending: 2,
      delayed: 1,
      repeating: 1,
      running: 1,
      completed: 0,
      failed: 0,
      cancelled: 1,
      timedOut: 0,
      rejected: 0,
      closed: false,
      paused: false,
      barrierPending: false,
      oldestWaitingMs: undefined,
      oldestRunningMs: undefined,
      waitMs: undefined,
      runMs: undefined,
    })
    gate.resolve()
    await env.runUntilIdle()
    delayed.cancel()
    runner.shutdown()
    runner.postTask(() => {})
    expect(runner.stats()).toMatchObject({
      pending: 0,
      delayed: 0,
      repeating: 0,
      running: 0,
      completed: 2,
      failed: 1,
      cancelled: 2,
      rejected: 1,
      closed: true,
    })
  })

  test('G-78 a runner is running only while a task of it is', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    runner.postTask(() => {
      expect(runner.stats()).toMatchObject({ running: 1, pending: 0 })
    })
    expect(runner.stats()).toMatchObject({ running: 0, pending: 1 })
    await env.runUntilIdle()
    expect(runner.stats()).toMatchObject({ running: 0, pending: 0, completed: 1 })
  })

  test('timing: percentiles of waits and runs, within the width of a bucket', async () => {
    await using env = createTestEnvironment({ pool: { timing: true } })
    const runner = makeRunner(env.pool)
    for (let task = 0; task < 99; task++) {
      runner.postTask((context) => context.sleep(10))
      await env.advanceBy(10)
    }
    runner.postTask((context) => context.sleep(500))
    await env.advanceBy(500)
    const { runMs, waitMs } = runner.stats()
    expect(runMs?.max).toBe(500)
    expect(runMs?.p50).toBeGreaterThanOrEqual(10)
    expect(runMs?.p50).toBeLessThanOrEqual(11.25)
    expect(waitMs?.max).toBe(0)
  })
})

test.each([0.001, 0.0019, 0.03, 1, 15.9, 1000, 131_071, 131_072, 5_000_000, 2_000_000_000])(
  'timing: the median of tasks of %d ms is exact within 12.5 percent',
  async (ms) => {
    await using env = createTestEnvironment({ pool: { timing: true } })
    const runner = new SequencedTaskRunner(env.pool)
    for (const length of [ms, ms, ms * 2]) {
      runner.postTask((context) => context.sleep(length))
      await env.advanceBy(length)
    }
    const { p50 = 0, max } = runner.stats().runMs ?? {}
    expect(max).toBeCloseTo(ms * 2)
    expect([p50 >= ms * 0.999, p50 <= ms * 1.126]).toEqual([true, true])
  },
)

describe('observers', () => {
  test('several see every event; one that was added can be taken out again', async () => {
    const [first, second] = [recorder(), recorder()]
    await using env = createTestEnvironment({ pool: { observer: [first.observer] } })
    const runner = new SequencedTaskRunner(env.pool)
    const added = env.pool.addObserver(second.observer)
    runner.postTask(() => {}, { name: 'a' })
    await env.runUntilIdle()
    added[Symbol.dispose]()
    added[Symbol.dispose]()
    runner.postTask(() => {}, { name: 'b' })
    await env.runUntilIdle()
    expect(second.seen).toEqual(['posted a', 'started a', 'succeeded a'])
    expect(first.seen).toHaveLength(6)
  })

  test('one that was added twice is taken out once by each of its disposals', async () => {
    const { seen, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = new SequencedTaskRunner(env.pool)
    const added = env.pool.addObserver(observer)
    added[Symbol.dispose]()
    added[Symbol.dispose]()
    runner.postTask(() => {}, { name: 'a' })
    await env.runUntilIdle()
    expect(seen).toEqual(['posted a', 'started a', 'succeeded a'])
  })

  test('an observer that is added while tasks are queued and run sees the rest of them', async () => {
    const { seen, finished, observer } = recorder()
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise, { name: 'running' })
    runner.postTask((context) => context.sleep(5), { name: 'queued' })
    await env.runUntilIdle()
    env.pool.addObserver(observer)
    await env.advanceBy(10)
    gate.resolve()
    await env.advanceBy(5)
    expect(seen).toEqual(['succeeded running', 'started queued', 'succeeded queued'])
    expect(finished.map(({ hasStarted, waitMs, runMs }) => [hasStarted, waitMs, runMs])).toEqual([
      [true, 0, 0],
      [true, 0, 5],
    ])
  })

  test('what is told of a run is one object, complete at its end', async () => {
    await using env = createTestEnvironment()
    const told: { event: TaskEvent; outcome: unknown }[] = []
    const note = (event: TaskEvent): void => void told.push({ event, outcome: (event as TaskFinishedEvent).outcome })
    env.pool.addObserver({
      onStarted: note,
      onRun: (event, run) => {
        note(event)
        run()
      },
      onFinished: note,
    })
    const runner = new SequencedTaskRunner(env.pool)
    const handle = runner.postTask(() => {}, { name: 'a' })
    await env.runUntilIdle()
    expect(new Set(told.map(({ event }) => event)).size).toBe(1)
    expect(told.map(({ outcome }) => outcome)).toEqual([undefined, undefined, 'succeeded'])
    expect(told[0]?.event).toMatchObject({ runner, task: handle, name: 'a', priority: 'user-visible' })
  })

  test('D1 D3 a start tells whether the task had a delay, in a long queue too', async () => {
    const seen: string[] = []
    await using env = createTestEnvironment()
    env.pool.addObserver({ onStarted: ({ name, isDelayed }) => void (isDelayed && seen.push(name)) })
    const runner = new SequencedTaskRunner(env.pool)
    runner.postDelayedTask(() => {}, 10, { name: 'late' })
    const repeating = runner.postRepeatingTask(() => {}, 10, { name: 'tick' })
    await env.advanceBy(9)
    for (let task = 0; task < 3000; task++) runner.postTask(() => {})
    await env.advanceBy(11)
    repeating.stop()
    expect(seen).toEqual(['late', 'tick', 'tick'])
  })

  test('repeating tasks and barriers are seen as tasks', async () => {
    const { seen, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = new SequencedTaskRunner(env.pool)
    using _repeating = runner.postRepeatingTask(() => {}, 10, { name: 'tick' })
    await env.advanceBy(10)
    const flushed = runner.flush()
    await env.runUntilIdle()
    await flushed
    expect(seen).toEqual(['posted tick', 'started tick', 'succeeded tick', 'posted flush', 'started flush', 'succeeded flush'])
  })

  test('D5 a tick that is withdrawn from the queue ends for who saw it join, and is counted by nobody', async () => {
    const { seen, depths, finished, observer } = recorder()
    await using env = createTestEnvironment({ pool: { observer } })
    const runner = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise, { name: 'busy' })
    const ticking = runner.postRepeatingTask(() => {}, 5, { name: 'tick' })
    await env.advanceBy(5)
    ticking.stop()
    expect(seen).toEqual(['posted busy', 'started busy', 'posted tick', 'cancelled tick'])
    expect(finished[0]).toMatchObject({ hasStarted: false, runMs: 0 })
    expect(depths).toEqual([1, 0, 1, 0])
    expect(runner.stats()).toMatchObject({ pending: 0, cancelled: 0 })
    gate.resolve()
    await env.runUntilIdle()
  })

  test('W7 a repeating task that comes too late is refused as any other', async () => {
    const { seen, observer } = recorder()
    const refused: string[] = []
    await using env = createTestEnvironment({ pool: { observer, onTaskRejected: ({ name }) => void refused.push(name) } })
    const runner = new SequencedTaskRunner(env.pool)
    runner.shutdown()
    const handle = runner.postRepeatingTask(() => {}, 5, { name: 'late' })
    expect(handle.state).toBe('closed')
    expect(refused).toEqual(['late'])
    expect(seen).toEqual(['rejected late runner-closed'])
    expect(runner.stats().rejected).toBe(1)
  })

  test('without an observer and without timing nothing reads the clock per task', async () => {
    let reads = 0
    const clock = { ...systemClock, now: () => reads++ / 1e6 }
    const pool = new ThreadPool({ executor: executorWith({ clock }) })
    const runner = new SequencedTaskRunner(pool)
    for (let task = 0; task < 10_000; task++) runner.postTask(() => {})
    await runner.waitIdle()
    expect(reads).toBeLessThan(1000)
  })
})

describe('observing the runners of a pool', () => {
  test('W5 each is told of when it is made and when nothing of it runs any more, with its final statistics', async () => {
    const seen: string[] = []
    await using env = createTestEnvironment()
    const pool = new ThreadPool({
      executor: env.createExecutor(),
      observer: {
        onRunnerOpened: ({ runner }) => void seen.push(`opened ${runner.name}`),
        onRunnerClosed: ({ runner }) => void seen.push(`closed ${runner.name} after ${runner.stats().completed}`),
      },
    })
    const [first, second] = ['a', 'b'].map((name) => new SequencedTaskRunner(pool, { name }))
    first?.postTask((context) => context.sleep(10))
    first?.shutdown()
    second?.shutdown()
    expect(seen).toEqual(['opened a', 'opened b', 'closed a after 0', 'closed b after 0'])
    const third = new SequencedTaskRunner(pool, { name: 'c' })
    third.postTask((context) => context.sleep(10))
    const closed = third.close()
    await env.advanceBy(10)
    await closed
    expect(seen.slice(4)).toEqual(['opened c', 'closed c after 1'])
    await pool.close()
  })

  test('W8 a task that no close waits for still counts: the end of its runner is told when it has ended', async () => {
    const seen: string[] = []
    await using env = createTestEnvironment({
      pool: { observer: { onRunnerClosed: ({ runner }) => void seen.push(`closed after ${runner.stats().completed}`) } },
    })
    const runner = new SequencedTaskRunner(env.pool)
    runner.postTask((context) => context.sleep(10), { shutdown: 'continue-on-shutdown' })
    await env.runUntilIdle()
    await runner.close()
    expect([seen, env.pool.runners]).toEqual([[], [runner]])
    await env.advanceBy(10)
    expect([seen, env.pool.runners]).toEqual([['closed after 1'], []])
  })

  test('an observer of runners and refusals only measures no task', async () => {
    const reasons: string[] = []
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), onTaskRejected: () => {} })
    const watching = pool.addObserver({ onRejected: ({ reason }) => void reasons.push(reason), onRunnerOpened: () => {} })
    const runner = new SequencedTaskRunner(pool, { queueLimit: 1 })
    for (let n = 0; n < 3; n++) runner.postTask(() => {})
    await env.runUntilIdle()
    expect([reasons, runner.stats().runMs]).toEqual([['queue-full'], undefined])
    using _finished = pool.addObserver({ onFinished: () => {} })
    runner.postTask(() => {})
    await env.runUntilIdle()
    expect(runner.stats().runMs).toBeDefined()
    watching[Symbol.dispose]()
    await pool.close()
  })
})

describe('observing who posts', () => {
  const postersOf = (events: readonly TaskPostedEvent[]) =>
    events.map(({ name, poster, isReply }) => `${name} by ${poster?.name ?? 'nobody'}${isReply ? ' in reply' : ''}`)

  test('F7 the task that posts is told, of a reply the task that it replies to, of a delayed one who asked for it', async () => {
    const posted: TaskPostedEvent[] = []
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), observer: { onPosted: (event) => void posted.push(event) } })
    const ui = new SequencedTaskRunner(pool)
    const db = new SequencedTaskRunner(pool)
    ui.postTask(
      () => {
        db.postTaskAndReply(
          async (context) => context.sleep(1),
          () => db.postTask(() => {}, { name: 'after' }),
          { name: 'load', replyOptions: { name: 'show' } },
        )
        db.postDelayedTask(() => {}, 50, { name: 'late' })
      },
      { name: 'click' },
    )
    await env.advanceBy(50)
    expect(postersOf(posted)).toEqual([
      'click by nobody',
      'load by click',
      'show by load in reply',
      'after by show',
      'late by click',
    ])
    await pool.close()
  })

  test('F7 what a hook posts while a reply is posted is no reply', async () => {
    const posted: string[] = []
    await using env = createTestEnvironment({
      pool: {
        observer: {
          onPosted: ({ name, isReply }) => {
            posted.push(`${name} ${isReply}`)
            if (isReply) log.postTask(() => {}, { name: 'log' })
          },
        },
        onTaskRejected: ({ name }) => void log.postTask(() => {}, { name: `refused ${name}` }),
      },
    })
    const [work, home, log] = ['work', 'home', 'log'].map((name) => new SequencedTaskRunner(env.pool, { name })) as [
      TaskRunner,
      TaskRunner,
      TaskRunner,
    ]
    work.postTaskAndReply(
      () => {},
      () => {},
      { name: 'ask', replyTo: home },
    )
    await env.runUntilIdle()
    expect(posted).toEqual(['ask false', 'reply true', 'log false'])
    home.shutdown()
    work.postTaskAndReply(
      () => {},
      () => {},
      { name: 'again', replyTo: home },
    )
    await env.runUntilIdle()
    expect(posted.slice(3)).toEqual(['again false', 'refused reply false'])
  })

  test('F2 a program whose stacks are no strings gets its error all the same', async () => {
    const told: unknown[] = []
    await using env = createTestEnvironment({
      pool: { traceOrigin: true, onTaskError: ({ error, origin }) => void told.push([(error as Error).message, origin]) },
    })
    const runner = new SequencedTaskRunner(env.pool)
    const prepare: unknown = Reflect.get(Error, 'prepareStackTrace')
    for (const [message, replaced] of [
      ['no string', (_error: Error, sites: NodeJS.CallSite[]): unknown => sites],
      [
        'throws',
        (): never => {
          throw new Error('unprepared')
        },
      ],
    ] as const) {
      const error = new Error(message)
      void error.stack
      runner.postTask(() => {
        throw error
      })
      Error.prepareStackTrace = replaced
      try {
        await env.runUntilIdle()
      } finally {
        Reflect.set(Error, 'prepareStackTrace', prepare)
      }
    }
    expect(told).toEqual([
      ['no string', undefined],
      ['throws', undefined],
    ])
    expect(runner.stats()).toMatchObject({ failed: 2, running: 0 })
  })

  test('E5 the posting site is there with traceOrigin only', async () => {
    const origins: (string | undefined)[] = []
    await using env = createTestEnvironment()
    for (const traceOrigin of [true, false]) {
      const observer: Observer = { onPosted: ({ origin }) => void origins.push(origin) }
      const pool = new ThreadPool({ executor: env.createExecutor(), observer, traceOrigin })
      new SequencedTaskRunner(pool).postTask(() => {})
      await env.runUntilIdle()
      await pool.close()
    }
    expect(origins).toEqual([expect.stringContaining('observer.test.ts'), undefined])
  })
})

describe('putting something around each task', () => {
  const store = new AsyncLocalStorage<string>()
  const enter = (name: string): Observer => ({
    onRun: (_event, run) => store.run(`${store.getStore() ?? ''}${name}`, run),
  })

  const withObservers = async (
    observers: readonly Observer[],
    body: (env: ReturnType<typeof createTestEnvironment>, pool: ThreadPool) => Promise<void>,
  ): Promise<void> => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), observer: observers, onTaskError: () => {} })
    await body(env, pool)
    await pool.close()
  }

  test('E4 it is seen by the task and its continuations, outermost first, within the context of the poster', () =>
    withObservers([enter('a'), { onFinished: () => {} }, enter('b')], async (env, pool) => {
      const seen: (string | undefined)[] = []
      const look = async (context: TaskContext) => {
        seen.push(store.getStore())
        await context.sleep(5)
        seen.push(store.getStore())
      }
      store.run('poster ', () => new SequencedTaskRunner(pool).postTask(look))
      await env.advanceBy(5)
      expect(seen).toEqual(['poster ab', 'poster ab'])
    }))

  test('F3 an observer that throws, calls twice or not at all neither loses nor doubles a task or its outcome', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const odd: Observer[] = [
      {
        onRun: () => {
          throw new Error('before')
        },
      },
      {
        onRun: (_event, run) => {
          run()
          run()
          throw new Error('after')
        },
      },
      { onRun: () => {} },
    ]
    await withObservers(odd, async (env, pool) => {
      const runner = new SequencedTaskRunner(pool)
      const error = new Error('mine')
      let runs = 0
      const outcomes = Promise.allSettled([
        runner.run(() => ++runs),
        runner.run(() => {
          throw error
        }),
        runner.run(async () => ++runs),
      ])
      await env.runUntilIdle()
      expect(await outcomes).toEqual([
        { status: 'fulfilled', value: 1 },
        { status: 'rejected', reason: error },
        { status: 'fulfilled', value: 2 },
      ])
      expect(print).toHaveBeenCalledTimes(6)
    })
    print.mockRestore()
  })
})

describe('what an observer carries', () => {
  test('each task finds its own, and nothing where nothing was given', async () => {
    const env = createTestEnvironment()
    const carry: Observer = {
      onStarted: (event) => {
        if (event.name === 'bare') return
        event.carry('id', String(event.task.id))
        event.carry('from', 'observer')
      },
    }
    const pool = new ThreadPool({ executor: env.createExecutor(), observer: carry })
    const runner = new SequencedTaskRunner(pool)
    const outcomes = Promise.all([
      runner.run(({ id }) => [id, taskContext().carrier]),
      runner.run(() => taskContext().carrier, { name: 'bare' }),
      runner.run(({ id }) => [id, taskContext().carrier], { timeout: 10 }),
    ])
    await env.runUntilIdle()
    const [first, bare, last] = await outcomes
    expect([first, bare, last]).toEqual([[1, { id: '1', from: 'observer' }], {}, [3, { id: '3', from: 'observer' }]])
    await pool.close()
    await env[Symbol.asyncDispose]()
  })
})

test('F3 an async hook that fails is reported, and harms nothing', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  await using env = createTestEnvironment({
    pool: {
      onTaskError: (async () => {
        throw new Error('of the hook')
      }) as () => void,
      observer: {
        onFinished: (async () => {
          throw new Error('of the observer')
        }) as () => void,
      },
    },
  })
  new SequencedTaskRunner(env.pool).postTask(() => {
    throw new Error('expected')
  })
  await env.runUntilIdle()
  const printed = print.mock.calls.map(([, error]) => (error as Error).message)
  print.mockRestore()
  expect(printed.toSorted()).toEqual(['of the hook', 'of the observer'])
})

test('W1 who waits from inside a hook waits for all that is still there', async () => {
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  const pause = runner.pause()
  let isIdle = false
  let idle: Promise<void> | undefined
  env.pool.addObserver({
    onFinished: ({ hasStarted }) => {
      if (!hasStarted) idle = runner.waitIdle().then(() => void (isIdle = true))
    },
  })
  const gate = deferred()
  runner.postTask(() => {})
  runner.postTask(() => gate.promise)
  runner.postTask(() => {}).cancel()
  pause[Symbol.dispose]()
  await env.runUntilIdle()
  expect([isIdle, runner.stats().running]).toEqual([false, 1])
  gate.resolve()
  await env.runUntilIdle()
  await idle
  expect(isIdle).toBe(true)
})
