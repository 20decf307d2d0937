import { inlineExecutor } from '@posttask/backend-inline'
import {
  type CloseReport,
  ParallelTaskRunner,
  PoolClosedError,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskContext,
  TaskTimeoutError,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const quietEnvironment = () => createTestEnvironment({ pool: { onTaskError: () => {}, onTaskRejected: () => {} } })

describe('closing a pool', () => {
  test('W6 G-135 an idle pool closes at once, with a report of nothing', async () => {
    await using env = quietEnvironment()
    expect(await env.pool.close()).toEqual({ completed: 0, dropped: 0, terminated: 0, lost: [] })
    expect(env.pool.stats()).toMatchObject({ closed: true, active: 0, queued: 0 })
    expect(env.pool.isClosed).toBe(true)
  })

  test('W6 closes its runners in reverse order of creation, then the executor', async () => {
    const seen: string[] = []
    const executor = inlineExecutor()
    const close = executor.close.bind(executor)
    executor.close = () => {
      seen.push('executor')
      return close()
    }
    const pool = new ThreadPool({ executor })
    const runners = ['first', 'second', 'third'].map((name) => new SequencedTaskRunner(pool, { name }))
    for (const runner of runners) void runner.closed.then(() => seen.push(runner.name))
    await pool.close()
    expect(seen).toEqual(['third', 'second', 'first', 'executor'])
  })

  test('W6 a task of a later runner may still use an earlier one while the pool closes', async () => {
    await using env = quietEnvironment()
    const store = new SequencedTaskRunner(env.pool, { name: 'store' })
    const worker = new SequencedTaskRunner(env.pool, { name: 'worker' })
    const seen: string[] = []
    worker.postTask(async (context) => {
      await context.sleep(10)
      seen.push(await store.run(() => 'stored'))
    })
    const closing = env.pool.close()
    await env.advanceBy(10)
    expect(await closing).toEqual({ completed: 2, dropped: 0, terminated: 0, lost: [] })
    expect(seen).toEqual(['stored'])
  })

  test('W6 G-136 everything queued in its runners runs, and the report counts', async () => {
    await using env = quietEnvironment()
    const sequence = new SequencedTaskRunner(env.pool)
    const parallel = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const single = new SingleThreadTaskRunner(env.pool)
    let ran = 0
    for (const runner of [sequence, parallel, single]) {
      for (let task = 0; task < 20; task++) runner.postTask((context) => context.sleep(1).then(() => void ran++))
      runner.postDelayedTask(() => void ran++, 1000)
    }
    const closing = env.pool.close()
    await env.advanceBy(100)
    expect(await closing).toMatchObject({ completed: 60, dropped: 3, terminated: 0, lost: Array(3).fill({ outcome: 'dropped' }) })
    expect(ran).toBe(60)
  })

  test('W6 W5 only what runs while the pool closes is counted as completed', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    for (let task = 0; task < 5; task++) runner.postTask(() => {})
    await env.runUntilIdle()
    runner.postTask(() => {})
    runner.postTask(() => {
      throw new Error('expected')
    })
    const closing = env.pool.close()
    await env.runUntilIdle()
    expect(await closing).toEqual({ completed: 2, dropped: 0, terminated: 0, lost: [] })
  })

  test('W6 G-20 G-137 past timeoutMs it terminates: the running task is told, the rest dropped, the report says so', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    let reason: unknown
    const never = deferred()
    const asked = runner.run(async (context) => {
      context.signal.addEventListener('abort', () => void (reason = context.signal.reason))
      await never.promise
    })
    asked.catch(() => {})
    const queued = runner.run(() => {})
    queued.catch(() => {})
    await env.runUntilIdle()
    const closing = env.pool.close({ timeoutMs: 50 })
    await env.advanceBy(49)
    expect(reason).toBeUndefined()
    await env.advanceBy(1)
    expect(await closing).toMatchObject({
      completed: 0,
      dropped: 1,
      terminated: 1,
      lost: [{ outcome: 'dropped' }, { outcome: 'terminated' }],
    })
    expect(reason).toBeInstanceOf(PoolClosedError)
    await expect(asked).rejects.toThrow(PoolClosedError)
    await expect(queued).rejects.toThrow(PoolClosedError)
    expect(env.nextDeadline()).toBeUndefined()
    expect(env.pool.stats()).toMatchObject({ active: 0, queued: 0 })
    await runner.closed
    never.resolve()
    await env.runUntilIdle()
  })

  test('W6 closed in time, the time limit leaves no timer', async () => {
    await using env = quietEnvironment()
    await env.pool.close({ timeoutMs: 5000 })
    expect(env.nextDeadline()).toBeUndefined()
  })

  test('W6 terminate gives up everything at once, and the promise of close gets the same report', async () => {
    await using env = quietEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const never = deferred()
    for (let task = 0; task < 5; task++) runner.postTask(() => never.promise)
    runner.postDelayedTask(() => {}, 10)
    await env.runUntilIdle()
    const closing = env.pool.close()
    const report = await env.pool.terminate()
    expect(report).toMatchObject({ completed: 0, dropped: 4, terminated: 2 })
    expect(await closing).toBe(report)
    expect(await env.pool.close()).toBe(report)
    never.resolve()
    await env.runUntilIdle()
    expect(runner.stats()).toMatchObject({ running: 0, completed: 0, cancelled: 2 })
  })

  test('W6 G-15 G-25 single use: a closed pool refuses runners and tasks with a clear error', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    const closing = env.pool.close()
    expect(() => new SequencedTaskRunner(env.pool)).toThrow(PoolClosedError)
    await closing
    expect(() => new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })).toThrow(PoolClosedError)
    expect(() => new SingleThreadTaskRunner(env.pool)).toThrow(/"test" is closed/)
    await expect(runner.run(() => {})).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
    expect(runner.postTask(() => {}).state).toBe('rejected')
  })

  test('W6 close lifts fences', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const fences = [env.pool.fence(), env.pool.bestEffortFence()]
    let ran = 0
    runner.postTask(() => void ran++)
    low.postTask(() => void ran++)
    const closing = env.pool.close()
    await env.runUntilIdle()
    await closing
    for (const fence of fences) fence[Symbol.dispose]()
    expect(ran).toBe(2)
  })

  test('W6 await using closes', async () => {
    let ran = false
    let seen: ThreadPool | undefined
    {
      await using pool = new ThreadPool({ executor: inlineExecutor() })
      seen = pool
      new SequencedTaskRunner(pool).postTask(() => void (ran = true))
    }
    expect([ran, seen.isClosed]).toEqual([true, true])
  })

  test('W3 W6 close inside of a task: the pool closes all the same, and who awaits it there is told', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const outcome = runner.run(async () => {
      await env.pool.close()
    })
    outcome.catch(() => {})
    await env.runUntilIdle()
    await expect(outcome).rejects.toThrow(SequenceDeadlockError)
    expect(await env.pool.close()).toMatchObject({ terminated: 0 })
    await runner.closed
  })

  test('W8 continue-on-shutdown tasks do not hold the pool up', async () => {
    await using env = quietEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    let ended = false
    runner.postTask(() => gate.promise.then(() => void (ended = true)), { shutdown: 'continue-on-shutdown' })
    await env.runUntilIdle()
    const report = await env.pool.close()
    expect(report).toMatchObject({ dropped: 0 })
    gate.resolve()
    await env.runUntilIdle()
    expect(ended).toBe(true)
  })

  test('W4 SHD-03 a block-shutdown task of one runner posts another to a runner that is still open', async () => {
    await using env = quietEnvironment()
    const log = new SequencedTaskRunner(env.pool)
    const runner = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    runner.postTask(
      () => {
        seen.push('first')
        log.postTask(() => void seen.push('second'), { shutdown: 'block-shutdown' })
      },
      { shutdown: 'block-shutdown' },
    )
    runner.shutdown()
    const closing = env.pool.close()
    await env.runUntilIdle()
    await closing
    expect(seen).toEqual(['first', 'second'])
  })
})

describe('making a pool', () => {
  test('an executor belongs to one pool', () => {
    const executor = inlineExecutor()
    new ThreadPool({ executor })
    expect(() => new ThreadPool({ executor })).toThrow(TypeError)
  })

  test('an executor that is none, and options that are none, are refused at the call', () => {
    expect(() => new ThreadPool({ executor: undefined as never })).toThrow(TypeError)
    expect(() => new ThreadPool({ executor: {} as never })).toThrow(TypeError)
    for (const bad of [
      { agingMs: -1 },
      { agingMs: Number.NaN },
      { turnBudgetMs: -1 },
      { maxBestEffort: 0 },
      { maxBestEffort: 1.5 },
    ]) {
      expect(() => new ThreadPool({ executor: inlineExecutor(), ...bad }), JSON.stringify(bad)).toThrow(RangeError)
    }
  })

  test('D2 a time limit of close that is none is refused at the call', () => {
    const pool = new ThreadPool({ executor: inlineExecutor() })
    expect(() => pool.close({ timeoutMs: -1 })).toThrow(RangeError)
    expect(pool.isClosed).toBe(false)
  })

  test('G-127 G-134 stats: name, executor, slots, what is active and queued', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 1 }, pool: { name: 'cpu' } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 5, name: 'r' })
    const gate = deferred()
    for (let task = 0; task < 3; task++) runner.postTask(() => gate.promise)
    runner.postDelayedTask(() => {}, 5)
    await env.runUntilIdle()
    expect(env.pool.stats()).toMatchObject({
      name: 'cpu',
      executor: 'virtual',
      slots: 1,
      active: 1,
      queued: 2,
      delayed: 1,
      closed: false,
    })
    expect(env.pool.stats().runners.map(({ name }) => name)).toEqual(['r'])
    expect(env.pool.runners).toEqual([runner])
    gate.resolve()
    await env.advanceBy(5)
    expect(env.pool.stats()).toMatchObject({ active: 0, queued: 0, delayed: 0 })
    await runner.close()
    expect(env.pool.runners).toEqual([])
  })

  test('pools have names of their own', () => {
    const names = [1, 2].map(() => new ThreadPool({ executor: inlineExecutor() }).name)
    expect(new Set(names).size).toBe(2)
  })
})

describe('tasks and the end of their pool', () => {
  test.each<[string, boolean, (context: TaskContext) => Promise<unknown>, object]>([
    ['sleeps', true, (context) => context.sleep(20).then(() => 'over'), {}],
    ['sleeps', false, (context) => context.sleep(20).then(() => 'over'), {}],
    ['yields', false, (context) => context.yield().then(() => 'over'), {}],
    ['runs into its time limit', true, () => new Promise(() => {}), { timeout: 20 }],
  ])(
    'W8 a continue-on-shutdown task that %s (early: %s) has its outcome all the same',
    async (_title, isEarly, task, options) => {
      const pool = new ThreadPool({ executor: inlineExecutor() })
      const runner = new SequencedTaskRunner(pool)
      const gate = deferred()
      const started = deferred()
      const outcome = runner.run(
        async (context) => {
          started.resolve()
          await gate.promise
          return task(context)
        },
        { shutdown: 'continue-on-shutdown', ...options },
      )
      await started.promise
      // Some wait already when the pool ends, some begin to afterwards.
      if (isEarly) gate.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      await pool.close()
      gate.resolve()
      if ('timeout' in options) await expect(outcome).rejects.toBeInstanceOf(TaskTimeoutError)
      else expect(await outcome).toBe('over')
      expect(pool.stats().active).toBe('timeout' in options ? 1 : 0)
    },
  )

  test('W6 terminate in the synchronous part of a task gives that task up as well', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    let report: Promise<CloseReport> | undefined
    const outcome = runner.run(() => {
      report = pool.terminate()
      return new Promise(() => {})
    })
    await expect(outcome).rejects.toBeInstanceOf(PoolClosedError)
    await report
    expect(runner.stats().running).toBe(0)
  })

  test('W3 a timer that a task left behind may close the pool, although it is known whose timer it is', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const closing = deferred<{ readonly report: Promise<CloseReport> }>()
    await new SequencedTaskRunner(pool).run(() => {
      setImmediate(() => setImmediate(() => closing.resolve({ report: pool.close() })))
    })
    const { report } = await closing.promise
    expect(await report).toMatchObject({ terminated: 0 })
  })
})
