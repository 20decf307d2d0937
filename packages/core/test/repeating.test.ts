import {
  currentTaskRunner,
  ParallelTaskRunner,
  type RepeatingTaskHandle,
  type RunnerOptions,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskErrorEvent,
  type TaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool, options?: RunnerOptions): TaskRunner => new SequencedTaskRunner(pool, options),
  'single-thread': (pool: ThreadPool, options?: RunnerOptions): TaskRunner => new SingleThreadTaskRunner(pool, options),
  parallel: (pool: ThreadPool, options?: RunnerOptions): TaskRunner =>
    new ParallelTaskRunner(pool, { maxConcurrency: 4, ...options }),
}

describe.each(Object.entries(runners))('repeating tasks on a %s runner', (_kind, makeRunner) => {
  test('D3 G-62 G-97 runs each interval, the first one an interval after the post', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    using handle = runner.postRepeatingTask(() => void starts.push(env.clock.now()), 50)
    expect([handle.state, handle.nextDue, handle.runCount]).toEqual(['scheduled', 50, 0])
    await env.advanceBy(249)
    expect(starts).toEqual([50, 100, 150, 200])
    expect([handle.state, handle.nextDue, handle.runCount]).toEqual(['scheduled', 250, 4])
    expect(runner.stats()).toMatchObject({ repeating: 1, delayed: 0, completed: 4 })
  })

  test('D3 G-63 G-98 initialDelay sets the first start; zero means at once', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: string[] = []
    using late = runner.postRepeatingTask(() => void starts.push(`late ${env.clock.now()}`), 10, { initialDelay: 100 })
    using soon = runner.postRepeatingTask(() => void starts.push(`soon ${env.clock.now()}`), 60, { initialDelay: 0 })
    await env.advanceBy(120)
    expect(starts).toEqual(['soon 0', 'soon 60', 'late 100', 'late 110', 'soon 120', 'late 120'])
    expect([late.runCount, soon.runCount]).toEqual([3, 3])
  })

  test('D3 fixed delay: the interval runs from the end of one run to the start of the next', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    using handle = runner.postRepeatingTask(async (context) => {
      starts.push(env.clock.now())
      await context.sleep(30)
    }, 50)
    await env.advanceBy(100)
    expect(handle.state).toBe('scheduled')
    await env.advanceBy(150)
    expect(starts).toEqual([50, 130, 210])
  })

  test('D3 fixed rate: from start to start, on the original grid', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    using handle = runner.postRepeatingTask(
      async (context) => {
        starts.push(env.clock.now())
        await context.sleep(30)
      },
      50,
      { mode: 'fixed-rate', initialDelay: 7 },
    )
    await env.advanceBy(200)
    expect(starts).toEqual([7, 57, 107, 157])
    expect(handle.runCount).toBe(4)
  })

  test('D3 TMR-08 fixed rate: a run that overruns skips the missed ticks and never overlaps itself', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    let active = 0
    using handle = runner.postRepeatingTask(
      async (context) => {
        expect(++active).toBe(1)
        starts.push(env.clock.now())
        await context.sleep(starts.length === 2 ? 37 : 1)
        active--
      },
      10,
      { mode: 'fixed-rate' },
    )
    await env.advanceBy(90)
    expect(starts).toEqual([10, 20, 60, 70, 80, 90])
    handle.stop()
    await env.advanceBy(5)
  })

  test('D3 TMR-09 the process was frozen for ten intervals: one late run, then a full interval', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    using _handle = runner.postRepeatingTask(() => void starts.push(env.clock.now()), 10)
    env.jumpBy(105)
    await env.advanceBy(20)
    expect(starts).toEqual([105, 115, 125])
  })

  test('D3 TMR-08 frozen at a fixed rate: one late run, then on the grid', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    using _handle = runner.postRepeatingTask(() => void starts.push(env.clock.now()), 10, { mode: 'fixed-rate' })
    env.jumpBy(105)
    await env.advanceBy(20)
    expect(starts).toEqual([105, 110, 120])
  })

  test('D3 TMR-05 an interval of zero gives others their turn and can be stopped', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let others = 0
    const handle: RepeatingTaskHandle = runner.postRepeatingTask(() => {
      if (handle.runCount === 5) handle.stop()
      runner.postTask(() => void others++)
    }, 0)
    await env.runUntilIdle()
    expect([handle.runCount, others, handle.state]).toEqual([5, 5, 'stopped'])
  })

  test('D4 a run that throws is reported, and the repetition goes on', async () => {
    const errors: TaskErrorEvent[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: (event) => void errors.push(event) } })
    const runner = makeRunner(env.pool)
    using handle = runner.postRepeatingTask(
      async () => {
        throw new Error(`run ${handle.runCount}`)
      },
      10,
      { name: 'poll' },
    )
    await env.advanceBy(30)
    expect(errors.map(({ name, error }) => `${name}: ${(error as Error).message}`)).toEqual([
      'poll: run 1',
      'poll: run 2',
      'poll: run 3',
    ])
    expect([handle.state, runner.stats().failed]).toEqual(['scheduled', 3])
  })

  test("D4 with onError 'stop' it ends with the first error, which is reported", async () => {
    const errors: TaskErrorEvent[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: (event) => void errors.push(event) } })
    const runner = makeRunner(env.pool)
    const handle = runner.postRepeatingTask(
      () => {
        throw new Error('expected')
      },
      10,
      { onError: 'stop' },
    )
    await env.advanceBy(30)
    expect([handle.state, handle.runCount, handle.nextDue, errors.length, runner.stats().repeating]).toEqual([
      'failed',
      1,
      undefined,
      1,
      0,
    ])
  })

  test("D4 with onError 'stop' a run that takes longer than its time limit is the last as well", async () => {
    const errors: string[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: ({ error }) => void errors.push((error as Error).name) } })
    const runner = makeRunner(env.pool)
    const handle = runner.postRepeatingTask((context) => context.sleep(50), 10, { timeout: 20, onError: 'stop' })
    await env.advanceBy(100)
    expect([handle.state, handle.runCount, errors]).toEqual(['failed', 1, ['TaskTimeoutError']])
  })

  test('D4 the state tells the truth: scheduled, running, scheduled, stopped', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const states: unknown[] = []
    const handle: RepeatingTaskHandle = runner.postRepeatingTask(async (context) => {
      states.push(handle.state, handle.nextDue)
      await context.sleep(5)
    }, 10)
    states.push(handle.state)
    await env.advanceBy(12)
    states.push(handle.state)
    await env.advanceBy(5)
    states.push(handle.state)
    handle.stop()
    states.push(handle.state)
    expect(states).toEqual(['scheduled', 'running', undefined, 'running', 'scheduled', 'stopped'])
  })

  test('D5 G-100 G-101 stopped before the first run it never runs; stopping again does nothing', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let runs = 0
    const handle = runner.postRepeatingTask(() => void runs++, 10)
    for (let time = 0; time < 10; time++) handle.stop()
    expect([handle.state, runner.stats().repeating, env.nextDeadline()]).toEqual(['stopped', 0, undefined])
    await env.advanceBy(100)
    expect(runs).toBe(0)
  })

  test('D5 TMR-04 stop from inside of the task: this run ends, and no other starts', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let ended = 0
    const handle: RepeatingTaskHandle = runner.postRepeatingTask(async (context) => {
      if (handle.runCount === 3) handle.stop()
      await context.sleep(1)
      ended++
    }, 10)
    await env.advanceBy(200)
    expect([handle.runCount, ended, handle.state]).toEqual([3, 3, 'stopped'])
  })

  test('D5 stop from outside lets the running one finish', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let ended = false
    const handle = runner.postRepeatingTask(async (context) => {
      await context.sleep(20)
      ended = true
    }, 10)
    await env.advanceBy(15)
    handle.stop()
    expect(handle.state).toBe('stopped')
    await env.advanceBy(200)
    expect([ended, handle.runCount]).toEqual([true, 1])
  })

  test('D5 stop while a tick waits in the queue: it does not start', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let runs = 0
    const handle = runner.postRepeatingTask(() => void runs++, 10)
    const pause = runner.pause()
    await env.advanceBy(50)
    expect([handle.state, handle.nextDue]).toEqual(['scheduled', undefined])
    handle.stop()
    pause[Symbol.dispose]()
    await env.advanceBy(50)
    expect([runs, runner.stats().pending]).toEqual([0, 0])
  })

  test('D5 W5 G-66 G-103 G-104 with the runner the repetitions end: state closed, no timer left', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let runs = 0
    const handles = [30, 40, 50].map((interval) =>
      runner.postRepeatingTask(() => void runs++, interval, { initialDelay: interval }),
    )
    const late = runner.postRepeatingTask(() => void runs++, 10, { initialDelay: 200 })
    await env.advanceBy(60)
    expect(runs).toBe(4)
    runner.shutdown()
    expect([...handles, late].map(({ state }) => state)).toEqual(['closed', 'closed', 'closed', 'closed'])
    expect([runner.stats().repeating, env.nextDeadline()]).toEqual([0, undefined])
    await env.advanceBy(1000)
    expect(runs).toBe(4)
  })

  test('D5 G-69 repeating tasks of one runner stop independently', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const handles = [30, 40, 50].map((interval) => runner.postRepeatingTask(() => {}, interval))
    await env.advanceBy(120)
    handles[0]?.stop()
    await env.advanceBy(120)
    handles[1]?.stop()
    await env.advanceBy(120)
    handles[2]?.stop()
    expect(handles.map(({ runCount }) => runCount)).toEqual([4, 6, 7])
  })

  test('D5 posted to a closed runner it is closed from the start, and counted as rejected', async () => {
    await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const runner = makeRunner(env.pool)
    runner.shutdown()
    const handle = runner.postRepeatingTask(() => {}, 10)
    expect([handle.state, handle.nextDue, runner.stats().rejected]).toEqual(['closed', undefined, 1])
    handle.stop()
    expect(handle.state).toBe('closed')
  })

  test('C1 its signal ends the repetition, between runs and before the first', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const aborter = new AbortController()
    const handle = runner.postRepeatingTask(() => {}, 10, { signal: aborter.signal })
    await env.advanceBy(25)
    aborter.abort()
    expect([handle.state, runner.stats().repeating]).toEqual(['stopped', 0])
    await env.advanceBy(50)
    expect(handle.runCount).toBe(2)
    const never = runner.postRepeatingTask(() => {}, 10, { signal: aborter.signal })
    await env.advanceBy(50)
    expect([never.state, never.runCount, runner.stats().repeating]).toEqual(['stopped', 0, 0])
  })

  test('C2 its signal during a run: the run sees it, and no other starts', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const aborter = new AbortController()
    const fired = deferred<unknown>()
    const handle = runner.postRepeatingTask(
      (context) => {
        context.signal.addEventListener('abort', () => fired.resolve(context.signal.reason))
        return fired.promise
      },
      10,
      { signal: aborter.signal },
    )
    await env.advanceBy(10)
    aborter.abort('enough')
    expect(await fired.promise).toBe('enough')
    await env.advanceBy(50)
    expect([handle.state, handle.runCount]).toEqual(['stopped', 1])
  })

  test('C2 timeout of a run: reported, and the repetition goes on after the run has really ended', async () => {
    const errors: unknown[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: ({ error }) => void errors.push(error) } })
    const runner = makeRunner(env.pool)
    const starts: number[] = []
    const gate = deferred()
    using handle = runner.postRepeatingTask(
      async () => {
        starts.push(env.clock.now())
        if (starts.length === 1) await gate.promise
      },
      10,
      { timeout: 15 },
    )
    await env.advanceBy(50)
    expect([starts, errors.length, handle.state]).toEqual([[10], 1, 'running'])
    gate.resolve()
    await env.advanceBy(20)
    expect(starts).toEqual([10, 60, 70])
  })

  test('G-102 the current runner is known in each run, and so are name and priority', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: unknown[] = []
    using handle = runner.postRepeatingTask(
      (context) => void seen.push(currentTaskRunner() === runner && context.runner === runner, context.name, context.priority),
      10,
      { name: 'heartbeat', priority: 'user-blocking' },
    )
    await env.advanceBy(20)
    expect(seen).toEqual([true, 'heartbeat', 'user-blocking', true, 'heartbeat', 'user-blocking'])
    expect(handle.name).toBe('heartbeat')
  })

  test('G-99 a mode or an onError that is none is refused at the call', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    expect(() => runner.postRepeatingTask(() => {}, 10, { mode: 'cron' as never })).toThrow(TypeError)
    expect(() => runner.postRepeatingTask(() => {}, 10, { onError: 'ignore' as never })).toThrow(TypeError)
    expect(() => runner.postRepeatingTask(() => {}, 10, { priority: 'urgent' as never })).toThrow(TypeError)
    expect(runner.stats().repeating).toBe(0)
  })
})

test('D3 the interval of a parallel runner: other tasks run beside, the repeating one never beside itself', async () => {
  await using env = createTestEnvironment()
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4 })
  let active = 0
  let most = 0
  using handle = runner.postRepeatingTask(
    async (context) => {
      most = Math.max(most, ++active)
      await context.sleep(25)
      active--
    },
    10,
    { mode: 'fixed-rate' },
  )
  for (let task = 0; task < 20; task++) runner.postTask((context) => context.sleep(3))
  await env.advanceBy(200)
  expect(most).toBe(1)
  expect(handle.runCount).toBeGreaterThan(5)
  handle.stop()
  await env.advanceBy(25)
})
