import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  type RunnerOptions,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  systemClock,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { executorWith } from './fixtures/executor-with.ts'

const runners = {
  sequenced: (pool: ThreadPool, options?: RunnerOptions): TaskRunner => new SequencedTaskRunner(pool, options),
  'single-thread': (pool: ThreadPool, options?: RunnerOptions): TaskRunner => new SingleThreadTaskRunner(pool, options),
  parallel: (pool: ThreadPool, options?: RunnerOptions): TaskRunner =>
    new ParallelTaskRunner(pool, { maxConcurrency: 4, ...options }),
}

const timesOf = (env: TestEnvironment): { readonly seen: string[]; readonly note: (what: string) => () => void } => {
  const seen: string[] = []
  return { seen, note: (what) => () => void seen.push(`${what}@${env.clock.now()}`) }
}

describe.each(Object.entries(runners))('delays on a %s runner', (_kind, makeRunner) => {
  test('D1 G-34 G-61 a delayed task runs when its delay has passed, never before', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    const handle = runner.postDelayedTask(note('task'), 50)
    const outcome = runner.run(note('run'), { delay: 60 })
    expect(handle.state).toBe('delayed')
    await env.advanceBy(49)
    expect(seen).toEqual([])
    await env.advanceBy(1)
    expect(seen).toEqual(['task@50'])
    expect(handle.state).toBe('succeeded')
    await env.advanceBy(10)
    await outcome
    expect(seen).toEqual(['task@50', 'run@60'])
  })

  test('D1 SEQ-06 G-28 equal due times keep posting order', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 1 } })
    const runner = makeRunner(env.pool)
    const seen: number[] = []
    for (let task = 0; task < 100; task++) runner.postDelayedTask(() => void seen.push(task), 20)
    await env.advanceBy(20)
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })

  test('D1 equal due times keep posting order whatever was posted when: 1000 random cases against a sort', async () => {
    await using env = createTestEnvironment({ seed: 7 })
    const runner = makeRunner(env.pool)
    const expected: { readonly due: number; readonly task: number }[] = []
    const seen: number[] = []
    for (let task = 0; task < 1000; task++) {
      const delay = Math.floor(env.random() * 20)
      if (task % 100 === 99) await env.advanceBy(3)
      expected.push({ due: env.clock.now() + delay, task })
      runner.postDelayedTask(() => void seen.push(task), delay)
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(seen).toEqual(expected.toSorted((a, b) => a.due - b.due || a.task - b.task).map(({ task }) => task))
  })

  test('D1 SEQ-09 G-32 delays fall due by time, not by post', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    for (const delay of [100, 20, 80, 40, 60]) runner.postDelayedTask(note('task'), delay)
    await env.advanceBy(100)
    expect(seen).toEqual(['task@20', 'task@40', 'task@60', 'task@80', 'task@100'])
  })

  test('D1 DLY-05 a delay of zero is no delay: in turn with the others', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 1 } })
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    runner.postTask(note('1'))
    expect(runner.postDelayedTask(note('2'), 0).state).toBe('queued')
    runner.postTask(note('3'))
    await env.runUntilIdle()
    expect(seen).toEqual(['1@0', '2@0', '3@0'])
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '5', null, {}])(
    'D2 TR-13 G-36 %s ms is refused at the call',
    async (bad) => {
      await using env = createTestEnvironment()
      const runner = makeRunner(env.pool)
      const ms = bad as number
      const calls: Record<string, () => unknown> = {
        postDelayedTask: () => runner.postDelayedTask(() => {}, ms),
        'run delay': () => runner.run(() => {}, { delay: ms }),
        timeout: () => runner.postTask(() => {}, { timeout: ms }),
        queueTimeout: () => runner.postTask(() => {}, { queueTimeout: ms }),
        interval: () => runner.postRepeatingTask(() => {}, ms),
        ...(ms === null ? {} : { initialDelay: () => runner.postRepeatingTask(() => {}, 5, { initialDelay: ms }) }),
        'timeout of a repeating task': () => runner.postRepeatingTask(() => {}, 5, { timeout: ms }),
      }
      for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(RangeError)
      expect(env.isIdle()).toBe(true)
      expect(runner.stats()).toMatchObject({ pending: 0, delayed: 0, repeating: 0 })
    },
  )

  test('D2 TR-13 any finite delay works, beyond 2^31-1 ms as well', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    const month = 2_678_400_000
    runner.postDelayedTask(note('a month'), month)
    runner.postDelayedTask(note('longest'), 2 ** 40)
    runner.postDelayedTask(note('half a ms'), 0.5)
    await env.advanceBy(month - 1)
    expect(seen).toEqual(['half a ms@0.5'])
    await env.advanceBy(1)
    expect(seen).toEqual(['half a ms@0.5', `a month@${month}`])
    await env.advanceTo(2 ** 40)
    expect(seen).toHaveLength(3)
  })

  test('C1 D1 DLY-02 cancelling a delayed task takes it out at once; a second cancel does nothing', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    const handle = runner.postDelayedTask(note('task'), 50)
    expect(runner.stats().delayed).toBe(1)
    expect(handle.cancel()).toBe(true)
    expect(handle.cancel()).toBe(false)
    expect([runner.stats().delayed, env.nextDeadline(), handle.state]).toEqual([0, undefined, 'cancelled'])
    await env.advanceBy(100)
    expect(seen).toEqual([])
  })

  test('W5 DLY-03 G-37 G-76 delayed tasks are gone with the runner', async () => {
    await using env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const runner = makeRunner(env.pool)
    const { seen, note } = timesOf(env)
    const handle = runner.postDelayedTask(note('task'), 50)
    await env.advanceBy(20)
    const closing = runner.close()
    expect([handle.state, env.nextDeadline()]).toEqual(['rejected', undefined])
    await env.advanceBy(500)
    await closing
    expect(seen).toEqual([])
  })

  test('D1 G-29 delayed posts from interleaved async code and from inside of tasks all run', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let ran = 0
    const producer = async (number: number): Promise<void> => {
      for (let post = 0; post < 10; post++) {
        runner.postDelayedTask(
          () => {
            ran++
            runner.postDelayedTask(() => void ran++, number)
          },
          (number * post) % 7,
        )
        await undefined
      }
    }
    await Promise.all(Array.from({ length: 10 }, (_, number) => producer(number)))
    await env.fastForwardUntilNoTasksRemain()
    expect(ran).toBe(200)
  })
})

describe('delays', () => {
  test('D1 SEQ-07 a delayed task that falls due behind a running one runs after it', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    runner.postTask((context) => context.sleep(50).then(note('slow ends')))
    runner.postDelayedTask(note('delayed'), 10)
    await env.advanceBy(50)
    expect(seen).toEqual(['slow ends@50', 'delayed@50'])
  })

  test('D1 SEQ-08 a delayed task joins the tail of the queue when it falls due', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    for (let task = 0; task < 10; task++) runner.postTask((context) => context.sleep(50))
    runner.postDelayedTask(note('delayed'), 10)
    await env.fastForwardUntilNoTasksRemain()
    expect(seen).toEqual(['delayed@500'])
  })

  test('D1 SEQ-10 what was queued before the clock jumped past a due time goes first', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    runner.postDelayedTask(note('1'), 10)
    runner.postTask(note('2'))
    runner.postTask(note('3'))
    env.jumpBy(50)
    await env.runUntilIdle()
    expect(seen).toEqual(['2@50', '3@50', '1@50'])
  })

  test('D1 G-30 a new and shorter delay each millisecond: the timer is set again and again, and all run in time', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const lateness: number[] = []
    for (let task = 0; task < 100; task++) {
      const due = env.clock.now() + 110 - task
      runner.postDelayedTask(() => void lateness.push(env.clock.now() - due), 110 - task)
      await env.advanceBy(1)
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(lateness).toEqual(new Array(100).fill(0))
  })

  test('D1 DLY-09 cancelling the earliest moves the timer to the next', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    const first = runner.postDelayedTask(note('first'), 10)
    runner.postDelayedTask(note('second'), 30)
    expect(env.nextDeadline()).toBe(10)
    first.cancel()
    expect(env.nextDeadline()).toBe(30)
    await env.advanceBy(30)
    expect(seen).toEqual(['second@30'])
  })

  test('D1 DLY-10 cancelling another delayed task, and posting one, while tasks fall due', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    const victims = [1, 2, 3].map((task) => runner.postDelayedTask(note(`victim ${task}`), 10 + task))
    runner.postDelayedTask(() => {
      for (const victim of victims) victim.cancel()
      runner.postDelayedTask(note('new'), 1)
    }, 10)
    await env.fastForwardUntilNoTasksRemain()
    expect(seen).toEqual(['new@11'])
  })

  test('DLY-01 the handle tells: delayed, queued, running, done', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const states: string[] = []
    const pause = runner.pause()
    const handle = runner.postDelayedTask(() => void states.push(handle.state), 10)
    states.push(handle.state)
    await env.advanceBy(10)
    states.push(handle.state)
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    states.push(handle.state)
    expect(states).toEqual(['delayed', 'queued', 'running', 'succeeded'])
  })

  test('D1 TR-06 setting the wall clock changes nothing', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    runner.postDelayedTask(note('task'), 100)
    env.clock.shiftWallClock(-3_600_000)
    await env.advanceBy(50)
    env.clock.shiftWallClock(7_200_000)
    await env.advanceBy(49)
    expect(seen).toEqual([])
    await env.advanceBy(1)
    expect(seen).toEqual(['task@100'])
  })

  test('G-17 G-33 delayed counts, per runner and pool', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    for (let task = 0; task < 10; task++) runner.postDelayedTask(() => {}, 1000)
    expect([runner.stats().delayed, env.pool.stats().delayed]).toEqual([10, 10])
    await env.advanceBy(1000)
    expect([runner.stats().delayed, env.pool.stats().delayed, runner.stats().completed]).toEqual([0, 0, 10])
  })

  test('D1 a host timer that fires early: the clock is looked at, and the timer set again', async () => {
    let now = 0
    const timers: { readonly delay: number; readonly fire: () => void }[] = []
    const clock = {
      ...systemClock,
      now: () => now,
      setTimer: (delay: number, fire: () => void) => {
        timers.push({ delay, fire })
        return { cancel: () => {} }
      },
    }
    await using pool = new ThreadPool({
      executor: executorWith({ clock }),
    })
    const runner = new SequencedTaskRunner(pool)
    const handle = runner.postDelayedTask(() => {}, 10)
    expect(timers.map(({ delay }) => delay)).toEqual([10])
    now = 9.2
    timers[0]?.fire()
    expect(handle.state).toBe('delayed')
    expect(timers).toHaveLength(2)
    expect(timers[1]?.delay).toBeCloseTo(0.8)
    now = 10
    timers[1]?.fire()
    await runner.waitIdle()
    expect(handle.state).toBe('succeeded')
  })

  test('D1 TR-05 on the real clock 200 short delays are never early', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1000 })
    const early: number[] = []
    const delays = Array.from({ length: 200 }, (_, index) => 0.3 + index / 40)
    await Promise.all(
      delays.map((delay) => {
        const due = performance.now() + delay
        return runner.run(() => void (performance.now() < due && early.push(delay)), { delay })
      }),
    )
    expect(early).toEqual([])
  })

  test('D1 a sleep of a task is on the same clock, and is refused what a delay is (D2)', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const { seen, note } = timesOf(env)
    runner.postTask(async (context) => {
      for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => context.sleep(ms)).toThrow(RangeError)
      await context.sleep(25)
      note('awake')()
    })
    await env.advanceBy(25)
    expect(seen).toEqual(['awake@25'])
  })
})
