import {
  ParallelTaskRunner,
  RunnerClosedError,
  SequenceDeadlockError,
  SequencedTaskRunner,
  type ShutdownBehavior,
  type ShutdownReport,
  SingleThreadTaskRunner,
  type TaskRejectedEvent,
  type TaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 1 }),
}

const quietEnvironment = () => {
  const rejections: TaskRejectedEvent[] = []
  const observed: TaskRejectedEvent[] = []
  const env = createTestEnvironment({
    pool: {
      onTaskRejected: (event) => void rejections.push(event),
      observer: { onRejected: (event) => void observed.push(event) },
    },
  })
  return { env, rejections, observed }
}

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const marker = Symbol()
  return (await Promise.race([promise, Promise.resolve(marker)])) !== marker
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(Object.entries(runners))('shutdown of a %s runner', (_kind, makeRunner) => {
  test('W4 G-54 G-91 what is queued, delayed or repeating is dropped, what runs finishes, and the report tells', async () => {
    const { env, rejections, observed } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const seen: string[] = []
    runner.postTask(async () => {
      await gate.promise
      seen.push('running ends')
    })
    await env.runUntilIdle()
    const queued = [1, 2, 3].map((task) => runner.postTask(() => void seen.push(`queued ${task}`)))
    const asked = runner.run(() => void seen.push('run'))
    const delayed = runner.postDelayedTask(() => void seen.push('delayed'), 10)
    const repeating = runner.postRepeatingTask(() => void seen.push('repeating'), 10)
    const report = runner.shutdown()
    expect(report).toMatchObject({ pending: 0, running: 1 })
    expect(report.dropped).toHaveLength(5)
    expect(report.dropped).toEqual(expect.arrayContaining([...queued, delayed]))
    expect([...queued, delayed].map(({ state }) => state)).toEqual(new Array(4).fill('rejected'))
    expect(repeating.state).toBe('closed')
    await expect(asked).rejects.toThrow(RunnerClosedError)
    expect(await isSettled(runner.closed)).toBe(false)
    gate.resolve()
    await env.advanceBy(100)
    await runner.closed
    expect(seen).toEqual(['running ends'])
    expect(runner.stats()).toMatchObject({ closed: true, pending: 0, delayed: 0, repeating: 0, running: 0, rejected: 5 })
    expect(rejections).toEqual([])
    expect(observed.map(({ reason }) => reason)).toEqual(new Array(5).fill('shutdown'))
    await env[Symbol.asyncDispose]()
  })

  test('W4 block-shutdown tasks in the queue run, delayed ones do not', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(() => void seen.push('skip'))
    runner.postTask(() => void seen.push('block'), { shutdown: 'block-shutdown' })
    runner.postTask(() => void seen.push('continue'), { shutdown: 'continue-on-shutdown' })
    const delayed = runner.postDelayedTask(() => void seen.push('delayed'), 10, { shutdown: 'block-shutdown' })
    const report = runner.shutdown()
    expect(report).toMatchObject({ pending: 1, running: 0 })
    expect(report.dropped).toHaveLength(3)
    expect(delayed.state).toBe('rejected')
    await env.advanceBy(20)
    await runner.closed
    expect(seen).toEqual(['block'])
    await env[Symbol.asyncDispose]()
  })

  test('W4 G-41 G-110 from inside a task: this one finishes, what it posts afterwards is refused', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    let report: ShutdownReport | undefined
    runner.postTask(async (context) => {
      report = runner.shutdown()
      runner.postTask(() => void seen.push('never'), { name: 'late' })
      await context.sleep(5)
      seen.push('ends')
    })
    runner.postTask(() => void seen.push('queued'))
    await env.advanceBy(10)
    await runner.closed
    expect(seen).toEqual(['ends'])
    expect([report?.dropped.length, report?.running]).toEqual([1, 1])
    expect(rejections.map(({ name, reason }) => [name, reason])).toEqual([['late', 'runner-closed']])
    await env[Symbol.asyncDispose]()
  })

  test('W4 G-53 G-64 twice and more is fine: later reports drop nothing', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    for (let task = 0; task < 100; task++) runner.postTask(() => {})
    expect(runner.isClosed).toBe(false)
    expect(runner.shutdown().dropped).toHaveLength(100)
    expect(runner.isClosed).toBe(true)
    for (let time = 0; time < 10; time++) expect(runner.shutdown()).toEqual({ dropped: [], pending: 0, running: 0 })
    await runner.close()
    await runner.closed
    await env[Symbol.asyncDispose]()
  })

  test('W4 shutdown after close drops what close would still have run', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    runner.postTask(() => void seen.push('queued'))
    const closing = runner.close()
    expect(runner.shutdown().dropped).toHaveLength(1)
    gate.resolve()
    await env.runUntilIdle()
    await closing
    expect(seen).toEqual([])
    await env[Symbol.asyncDispose]()
  })

  test('W5 G-65 close lets what is queued run to the end, and resolves when nothing runs any more', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: number[] = []
    for (const task of [1, 2, 3]) runner.postTask((context) => context.sleep(10).then(() => void seen.push(task)))
    const delayed = runner.postDelayedTask(() => {}, 5)
    const repeating = runner.postRepeatingTask(() => {}, 5)
    let atTheEnd: unknown
    void runner.close().then(() => {
      atTheEnd = [...seen, runner.stats().running]
    })
    expect([delayed.state, repeating.state, runner.isClosed]).toEqual(['rejected', 'closed', true])
    await env.advanceBy(29)
    expect(atTheEnd).toBeUndefined()
    await env.advanceBy(1)
    expect(atTheEnd).toEqual([1, 2, 3, 0])
    await env[Symbol.asyncDispose]()
  })

  test('W5 close also runs what those tasks post to the same runner, level after level', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(() => {
      seen.push('1')
      runner.postTask(() => {
        seen.push('2')
        runner.postTask(() => void seen.push('3'))
      })
    })
    const closing = runner.close()
    runner.postTask(() => void seen.push('from outside'), { name: 'outside' })
    await env.runUntilIdle()
    await closing
    expect(seen).toEqual(['1', '2', '3'])
    expect(rejections.map(({ name }) => name)).toEqual(['outside'])
    await env[Symbol.asyncDispose]()
  })

  test('W5 a task may post to its own runner that closes after an await too, where the pool tracks runners', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(async (context) => {
      await context.sleep(10)
      runner.postTask(() => void seen.push('posted after an await'))
    })
    const closing = runner.close()
    await env.advanceBy(10)
    await closing
    expect(seen).toEqual(['posted after an await'])
    await env[Symbol.asyncDispose]()
  })

  test('W5 a task of another runner is outside', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const other = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const closing = runner.close()
    other.postTask(() => void runner.postTask(() => {}, { name: 'from another' }))
    await env.runUntilIdle()
    gate.resolve()
    await env.runUntilIdle()
    await closing
    expect(rejections.map(({ name }) => name)).toEqual(['from another'])
    await env[Symbol.asyncDispose]()
  })

  test('W5 await using closes', async () => {
    const { env } = quietEnvironment()
    let ran = false
    let runner: TaskRunner | undefined
    const body = async (): Promise<void> => {
      await using scoped = makeRunner(env.pool)
      runner = scoped
      scoped.postTask(() => void (ran = true))
    }
    const ended = body()
    await env.runUntilIdle()
    await ended
    expect([ran, runner?.isClosed]).toEqual([true, true])
    await env[Symbol.asyncDispose]()
  })

  test('W5 close lifts pauses', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    let ran = false
    runner.postTask(() => void (ran = true))
    const closing = runner.close()
    await env.runUntilIdle()
    await closing
    pause[Symbol.dispose]()
    expect(ran).toBe(true)
    await env[Symbol.asyncDispose]()
  })

  test('W3 W5 close inside a task of the runner: closes all the same, and tells who awaits it that it would wait for itself', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const outcome = runner.run(async () => {
      await runner.close()
    })
    outcome.catch(() => {})
    await env.runUntilIdle()
    await expect(outcome).rejects.toThrow(SequenceDeadlockError)
    await runner.closed
    expect(runner.isClosed).toBe(true)
    await env[Symbol.asyncDispose]()
  })

  test('W7 G-67 G-93 posting to a closed runner: run rejects, the rest is reported and counted, nothing runs', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    await runner.close()
    let ran = false
    const task = (): void => void (ran = true)
    const asked = [runner.run(task), runner.run(task, { delay: 5 })]
    for (const outcome of asked) await expect(outcome).rejects.toThrow(RunnerClosedError)
    const handles = [runner.postTask(task, { name: 'plain' }), runner.postDelayedTask(task, 5, { name: 'delayed' })]
    expect(handles.map(({ state }) => state)).toEqual(['rejected', 'rejected'])
    expect(rejections.map((event) => [event.runner, event.name, event.reason])).toEqual([
      [runner, 'plain', 'runner-closed'],
      [runner, 'delayed', 'runner-closed'],
    ])
    expect(rejections[0]?.error).toBeInstanceOf(RunnerClosedError)
    expect(rejections[0]?.error.message).toMatch(/"plain".*"r"/)
    expect([runner.stats().rejected, env.nextDeadline()]).toEqual([4, undefined])
    await env.advanceBy(10)
    expect(ran).toBe(false)
    await env[Symbol.asyncDispose]()
  })

  test('W7 W4 what close drops is reported, for nobody else tells', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    runner.postDelayedTask(() => {}, 10, { name: 'delayed' })
    const asked = runner.run(() => {}, { delay: 10 })
    await runner.close()
    await expect(asked).rejects.toThrow(RunnerClosedError)
    expect(rejections.map(({ name, reason }) => [name, reason])).toEqual([['delayed', 'runner-closed']])
    await env[Symbol.asyncDispose]()
  })

  test('W8 continue-on-shutdown tasks never hold close up: queued ones are dropped, running ones go on by themselves', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const seen: string[] = []
    runner.postTask(
      async () => {
        await gate.promise
        seen.push('ends after the close')
      },
      { shutdown: 'continue-on-shutdown' },
    )
    await env.runUntilIdle()
    const queued = runner.postTask(() => void seen.push('queued'), { shutdown: 'continue-on-shutdown' })
    const closing = runner.close().then(() => seen.push('closed'))
    await env.runUntilIdle()
    await closing
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['closed', 'ends after the close'])
    expect(queued.state).toBe('rejected')
    expect(runner.stats().running).toBe(0)
    await env[Symbol.asyncDispose]()
  })

  const table: readonly (readonly [ShutdownBehavior, 'queued' | 'running' | 'delayed', 'close' | 'shutdown', boolean])[] = [
    ['continue-on-shutdown', 'queued', 'close', false],
    ['continue-on-shutdown', 'queued', 'shutdown', false],
    ['continue-on-shutdown', 'running', 'close', true],
    ['continue-on-shutdown', 'running', 'shutdown', true],
    ['continue-on-shutdown', 'delayed', 'close', false],
    ['continue-on-shutdown', 'delayed', 'shutdown', false],
    ['skip-on-shutdown', 'queued', 'close', true],
    ['skip-on-shutdown', 'queued', 'shutdown', false],
    ['skip-on-shutdown', 'running', 'close', true],
    ['skip-on-shutdown', 'running', 'shutdown', true],
    ['skip-on-shutdown', 'delayed', 'close', false],
    ['skip-on-shutdown', 'delayed', 'shutdown', false],
    ['block-shutdown', 'queued', 'close', true],
    ['block-shutdown', 'queued', 'shutdown', true],
    ['block-shutdown', 'running', 'close', true],
    ['block-shutdown', 'running', 'shutdown', true],
    ['block-shutdown', 'delayed', 'close', false],
    ['block-shutdown', 'delayed', 'shutdown', false],
  ]

  test.each(table)(
    'W4 W5 W8 SHD-01 SHD-02 a %s task that is %s at %s: runs to its end is %s',
    async (shutdown, state, how, runs) => {
      const { env } = quietEnvironment()
      const runner = makeRunner(env.pool)
      let ended = false
      const task = async (context: { sleep(ms: number): Promise<void> }): Promise<void> => {
        await context.sleep(5)
        ended = true
      }
      if (state === 'delayed') runner.postDelayedTask(task, 5, { shutdown })
      else runner.postTask(task, { shutdown })
      if (state === 'running') await env.runUntilIdle()
      const closing = how === 'close' ? runner.close() : runner.closed
      if (how === 'shutdown') runner.shutdown()
      await env.advanceBy(20)
      await closing
      expect(ended).toBe(runs)
      await env[Symbol.asyncDispose]()
    },
  )
})

test('W7 G-22 without a hook a rejection is printed to stderr, with task and runner', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
  runner.shutdown()
  runner.postTask(() => {}, { name: 'late' })
  expect(print).toHaveBeenCalledOnce()
  expect(print.mock.calls[0]?.[0]).toMatch(/task "late" on runner "r" will not run/)
})

test('G-109 G-113 closed is one promise for all who wait, from before the shutdown on', async () => {
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  const waits = [runner.closed, runner.closed]
  runner.postTask(() => void runner.shutdown())
  await env.runUntilIdle()
  await Promise.all(waits)
  await runner.closed
})

test('G-45 G-81 G-56 pool, name and metadata are those given; metadata is a frozen copy', async () => {
  await using env = createTestEnvironment()
  const metadata = { tenant: 7, tag: 'x' }
  const runner = new SequencedTaskRunner(env.pool, { name: 'mine', metadata })
  metadata.tenant = 8
  expect([runner.pool === (env.pool as unknown), runner.name, runner.kind, runner.metadata]).toEqual([
    true,
    'mine',
    'sequenced',
    { tenant: 7, tag: 'x' },
  ])
  expect(Object.isFrozen(runner.metadata)).toBe(true)
  const names = [
    new SequencedTaskRunner(env.pool),
    new SequencedTaskRunner(env.pool),
    new ParallelTaskRunner(env.pool, { maxConcurrency: 1 }),
  ].map(({ name }) => name)
  expect(new Set(names).size).toBe(3)
  expect(names[0]).toMatch(/^sequenced-\d+$/)
  expect(new SequencedTaskRunner(env.pool).metadata).toEqual({})
})

describe('a runner that closes', () => {
  test('W5 takes no delayed task of its own tasks: it would be dropped at once', async () => {
    const { env, rejections } = quietEnvironment()
    await using _ = env
    const runner = new ParallelTaskRunner(env.pool, { name: 'r', maxConcurrency: 2 })
    let late: Promise<unknown> | undefined
    runner.postTask(() => {
      late = runner.run(() => 1, { delay: 50 })
      late.catch(() => {})
      runner.postDelayedTask(() => {}, 50, { name: 'late' })
    })
    const closed = runner.close()
    await env.runUntilIdle()
    await closed
    await expect(late).rejects.toBeInstanceOf(RunnerClosedError)
    expect(rejections.map(({ name }) => name)).toEqual(['late'])
    expect(runner.stats()).toMatchObject({ delayed: 0, completed: 1 })
  })

  test('W8 takes no continue-on-shutdown task of its own tasks either', async () => {
    const { env, rejections } = quietEnvironment()
    await using _ = env
    const runner = new SequencedTaskRunner(env.pool)
    runner.postTask(() => void runner.postTask(() => {}, { name: 'late', shutdown: 'continue-on-shutdown' }))
    const closed = runner.close()
    await env.runUntilIdle()
    await closed
    expect(rejections.map(({ name }) => name)).toEqual(['late'])
  })

  test('W5 is not paused by its own tasks', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    runner.postTask(() => void runner.pause())
    runner.postTask(() => void seen.push('behind'))
    const closed = runner.close()
    await env.runUntilIdle()
    await closed
    expect(seen).toEqual(['behind'])
  })
})
