import { ParallelTaskRunner, SequencedTaskRunner, type StallEvent, systemClock, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'

const fail = (): never => {
  throw new Error('expected')
}

describe('the history of a runner', () => {
  test('G-196 G-197 F2 the tasks that ended are kept with what became of them, newest first', async () => {
    await using env = createTestEnvironment({ pool: { onTaskError: () => {}, onTaskRejected: () => {} } })
    const runner = new SequencedTaskRunner(env.pool, { history: true, queueLimit: 3 })
    runner.postTask((context) => context.sleep(30), { name: 'slow', priority: 'user-blocking' })
    runner.postTask(fail)
    runner.postTask(() => {})
    runner.postTask(() => {}, { name: 'cancelled' }).cancel('no more')
    runner.postTask(() => {}, { name: 'fourth' })
    runner.postTask(() => {}, { name: 'refused' })
    await env.advanceBy(30)
    const tasks = runner.recentTasks()
    expect(tasks.map(({ name, outcome, waitMs, runMs, endedAt }) => [name, outcome, waitMs, runMs, endedAt])).toEqual([
      ['fourth', 'succeeded', 30, 0, 30],
      [tasks[1]?.name, 'succeeded', 30, 0, 30],
      ['fail', 'failed', 30, 0, 30],
      ['slow', 'succeeded', 0, 30, 30],
      ['refused', 'rejected', 0, 0, 0],
      ['cancelled', 'cancelled', 0, 0, 0],
    ])
    expect(tasks[1]?.name).toMatch(/^task \d+$/)
    expect(tasks.map(({ error }) => (error instanceof Error ? error.message : error))).toEqual([
      undefined,
      undefined,
      'expected',
      undefined,
      expect.stringContaining('queueLimit of 3'),
      'no more',
    ])
    expect([tasks[3]?.priority, new Set(tasks.map(({ id }) => id)).size]).toEqual(['user-blocking', 6])
  })

  test.each([
    [true, 100],
    [3, 3],
  ])('G-198 with history: %s the last %s stay, and a limit gives the newest', async (history, kept) => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { history })
    for (let n = 0; n < 250; n++) runner.postTask(() => {}, { name: `t${n}` })
    await env.runUntilIdle()
    const names = Array.from({ length: kept }, (_, index) => `t${249 - index}`)
    expect(runner.recentTasks().map(({ name }) => name)).toEqual(names)
    const newest = runner.recentTasks(2)
    for (let task = 0; task < 250; task++) runner.postTask(() => {}, { name: 'later' })
    await env.runUntilIdle()
    // What was handed out does not change.
    expect(newest.map(({ name }) => name)).toEqual(['t249', 't248'])
  })

  test('it is empty where it was not asked for, and refuses a size that is none', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    await env.runUntilIdle()
    runner.postTask(() => {})
    await env.runUntilIdle()
    expect(runner.recentTasks()).toEqual([])
    for (const history of [0, -1, 1.5]) expect(() => new SequencedTaskRunner(env.pool, { history })).toThrow(RangeError)
  })

  test('it needs no timing of the pool, and measures its own runner only', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor() })
    const timed = new SequencedTaskRunner(pool, { history: 1 })
    const plain = new SequencedTaskRunner(pool)
    for (const runner of [timed, plain]) runner.postTask((context) => context.sleep(20))
    await env.advanceBy(20)
    expect([timed.recentTasks()[0]?.runMs, timed.stats().runMs?.max, plain.stats().runMs]).toEqual([20, 20, undefined])
    await pool.close()
  })
})

describe('the running tasks of a runner', () => {
  test('they are there with their names and times, the oldest first, whatever was cancelled and has not stopped (C2)', async () => {
    await using env = createTestEnvironment({ pool: { timing: true, traceOrigin: true } })
    const runner = new ParallelTaskRunner(env.pool, { name: 'io', maxConcurrency: 2 })
    const { promise, resolve } = deferred()
    const stubborn = runner.postTask(() => promise, { name: 'stubborn' })
    await env.advanceBy(10)
    runner.postTask((context) => context.sleep(50), { name: 'asleep' })
    runner.postTask(() => {}, { name: 'queued' })
    await env.advanceBy(20)
    stubborn.cancel()
    const [first, second, ...rest] = runner.runningTasks()
    expect(first).toMatchObject({ name: 'stubborn', runMs: 30, task: { id: stubborn.id, state: 'cancelled' } })
    expect(second).toMatchObject({ name: 'asleep', runMs: 20, task: { state: 'running' } })
    expect([rest, first?.origin?.split('\n')[0]]).toEqual([[], expect.stringContaining('seeing.test.ts')])
    resolve()
    await env.advanceBy(50)
    expect(runner.runningTasks()).toEqual([])
  })

  test('W1 a flush is none', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { promise, resolve } = deferred()
    const flushed = runner.flush(() => promise)
    await env.advanceBy(0)
    expect([runner.runningTasks(), runner.stats().running]).toEqual([[], 0])
    resolve()
    await env.advanceBy(0)
    await flushed
  })

  test('the one that asks is there, and without timing for an unknown time', async () => {
    await using env = createTestEnvironment({ pool: { timing: false } })
    const runner = new SequencedTaskRunner(env.pool)
    const asked = runner.run(() => runner.runningTasks().map(({ name, runMs, origin }) => [name, runMs, origin]), { name: 'ask' })
    await env.advanceBy(0)
    expect(await asked).toEqual([['ask', undefined, undefined]])
  })
})

describe('the description of a pool', () => {
  test('it tells what runs and what waits behind it, and for how long', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main', timing: true, onTaskRejected: () => {} })
    const db = new SequencedTaskRunner(pool, { name: 'db' })
    const io = new ParallelTaskRunner(pool, { name: 'io', maxConcurrency: 2 })
    new SequencedTaskRunner(pool, { name: 'nothing to do' })
    const gate = deferred()
    db.postTask(() => gate.promise, { name: 'load' })
    await env.advanceBy(40)
    for (const name of ['save', 'index', 'notify']) db.postTask(() => {}, { name })
    await env.advanceBy(60)
    io.postDelayedTask(() => {}, 500)
    io.postRepeatingTask(() => {}, 1000)
    const pause = io.pause()
    expect(pool.describe()).toBe(
      [
        'pool "main" on virtual: 1 of Infinity slots taken, 3 queued, 1 delayed',
        '  sequenced runner "db"',
        '    runs: "load" (#1) for 100 ms',
        '    waits: "save" (#2) for 60 ms and 2 more',
        '  parallel runner "io": paused, 1 delayed, 1 repeating',
        '  1 idle runner',
      ].join('\n'),
    )
    pause[Symbol.dispose]()
    gate.resolve()
    const closing = pool.close()
    await env.runUntilIdle()
    await closing
  })

  test('it tells of the task that asks, of a fence, of an end, and how to get times', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), name: 'p' })
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    const asked = runner.run(() => pool.describe(), { name: 'ask' })
    await env.runUntilIdle()
    expect((await asked).split('\n').slice(1)).toEqual([
      '  sequenced runner "r"',
      '    runs: "ask" (#1)',
      '  (for times, make the pool with timing: true)',
    ])
    using _fence = pool.fence()
    runner.postTask(() => {}, { name: 'held' })
    expect(pool.describe().split('\n').slice(1, 4)).toEqual([
      '  a fence is held: nothing starts',
      '  sequenced runner "r"',
      '    waits: "held" (#2)',
    ])
    void pool.close()
    expect(pool.describe()).toMatch(/^pool "p" .*, closed\n/)
    await env.runUntilIdle()
  })

  test('C2 E5 it tells where a task was posted, and that a cancelled one has not stopped', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), traceOrigin: true, timing: true })
    const runner = new SequencedTaskRunner(pool)
    const gate = deferred()
    function postIt() {
      return runner.postTask(() => gate.promise, { name: 'deaf' })
    }
    const handle = postIt()
    await env.advanceBy(5)
    handle.cancel()
    expect(pool.describe()).toMatch(
      /runs: "deaf" \(#1\) for 5 ms, posted at postIt \(.*seeing\.test\.ts:\d+:\d+\), cancelled, and has not stopped/,
    )
    gate.resolve()
    const closing = pool.close()
    await env.runUntilIdle()
    await closing
  })
})

describe('the stall warning', () => {
  const stalling = (stallWarningMs: number, more: object = {}) => {
    const env = createTestEnvironment()
    const stalls: StallEvent[] = []
    const onStall = (event: StallEvent): void => void stalls.push(event)
    const pool = new ThreadPool({ executor: env.createExecutor(), stallWarningMs, onStall, ...more })
    const runner = new SequencedTaskRunner(pool, { name: 'db' })
    const end = async (): Promise<void> => {
      const closing = pool.close()
      await env.runUntilIdle()
      await closing
      await env[Symbol.asyncDispose]()
    }
    return { env, stalls, pool, runner, end }
  }

  test('F2 a task that runs too long is told of once, when the time has come: task, runner, who waits', async () => {
    const { env, stalls, runner, end } = stalling(100)
    const gate = deferred()
    runner.postTask(() => gate.promise, { name: 'stuck', priority: 'user-blocking' })
    await env.advanceBy(99)
    runner.postTask(() => {})
    runner.postTask(() => {})
    expect(stalls).toEqual([])
    await env.advanceBy(1)
    expect(stalls.map(({ name, runner: on, priority, runMs, waiting }) => [name, on.name, priority, runMs, waiting])).toEqual([
      ['stuck', 'db', 'user-blocking', 100, 2],
    ])
    await env.advanceBy(1000)
    gate.resolve()
    await env.runUntilIdle()
    expect(stalls).toHaveLength(1)
    await end()
  })

  test('each of several is told of at its own time, those that ended in time never', async () => {
    const { env, stalls, pool, end } = stalling(100)
    const parallel = new ParallelTaskRunner(pool, { maxConcurrency: 4 })
    const sleepFor = (ms: number, name: string) => parallel.postTask((context) => context.sleep(ms), { name })
    sleepFor(90, 'quick')
    sleepFor(500, 'a')
    await env.advanceBy(50)
    sleepFor(500, 'b')
    sleepFor(99, 'quick too')
    const seen: string[] = []
    for (let ms = 50; ms < 300; ms += 10) {
      for (const { name } of stalls.splice(0)) seen.push(`${name} at ${ms}`)
      await env.advanceBy(10)
    }
    expect(seen).toEqual(['a at 100', 'b at 150'])
    await env.advanceBy(500)
    await end()
  })

  test('a task that held the event loop is told of when it has ended', async () => {
    let now = 0
    const stalls: StallEvent[] = []
    await using pool = new ThreadPool({
      executor: executorWith({ clock: { ...systemClock, now: () => now } }),
      stallWarningMs: 100,
      onStall: (event) => void stalls.push(event),
    })
    const runner = new SequencedTaskRunner(pool)
    const blockFor = (ms: number) => (): void => {
      now += ms
    }
    await runner.run(blockFor(99), { name: 'quick' })
    await runner.run(blockFor(250), { name: 'blocks' })
    runner.postTask(function named() {
      now += 300
    })
    await runner.flush()
    expect(stalls.map(({ name, runMs }) => [name, runMs])).toEqual([
      ['blocks', 250],
      ['named', 300],
    ])
  })

  test('C2 a cancelled task that does not stop is told of too', async () => {
    const { env, stalls, runner, end } = stalling(100)
    const gate = deferred()
    const handle = runner.postTask(() => gate.promise, { name: 'deaf' })
    await env.advanceBy(10)
    handle.cancel()
    await env.advanceBy(90)
    expect(stalls.map(({ name }) => name)).toEqual(['deaf'])
    gate.resolve()
    await end()
  })

  test('no timer is set while nothing runs', async () => {
    const { env, runner, end } = stalling(100)
    expect(env.nextDeadline()).toBe(undefined)
    runner.postTask((context) => context.sleep(10))
    await env.advanceBy(10)
    expect(env.nextDeadline()).toBe(undefined)
    await end()
  })

  test('E5 by default it is printed, with the posting site where that is traced', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { env, runner, end } = stalling(100, { onStall: undefined, traceOrigin: true })
    runner.postTask((context) => context.sleep(200), { name: 'stuck' })
    await env.advanceBy(200)
    const [lines] = print.mock.calls
    print.mockRestore()
    expect(lines?.[0]).toBe('[posttask] task "stuck" on runner "db" runs for 100 ms now; waiting in its runner: 0')
    expect(lines?.[1]).toMatch(/posted from\n.*seeing\.test\.ts/)
    await end()
  })

  test('F3 a hook that throws harms nothing', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { env, runner, end } = stalling(100, { onStall: fail })
    const done = runner.run((context) => context.sleep(200).then(() => 'done'))
    await env.advanceBy(200)
    expect([await done, print.mock.calls.length]).toEqual(['done', 1])
    print.mockRestore()
    await end()
  })

  test('a limit that is no time is refused', async () => {
    await using env = createTestEnvironment()
    await env.runUntilIdle()
    expect(() => new ThreadPool({ executor: env.createExecutor(), stallWarningMs: -1 })).toThrow(RangeError)
  })
})
