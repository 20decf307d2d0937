import { ParallelTaskRunner, SequencedTaskRunner, type TaskContext } from '@posttask/core'
import {
  createTestEnvironment,
  DeadlockError,
  LeakError,
  LivelockError,
  runTest,
  TaskLimitError,
  TimeLimitError,
} from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'

test('time moves by itself when everything waits', async () => {
  const start = performance.now()
  const result = await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.pool)
    const value = await runner.run(async (context) => {
      await context.sleep(3_600_000)
      return 'an hour later'
    })
    return [value, env.clock.now()]
  })
  expect(result).toEqual(['an hour later', 3_600_000])
  expect(performance.now() - start).toBeLessThan(3_600_000)
})

test('the sleep of the body ends last at its instant', async () => {
  await runTest(async (env) => {
    const seen: string[] = []
    const runner = new SequencedTaskRunner(env.pool)
    const sleeping = env.sleep(10).then(() => void seen.push('body'))
    runner.postDelayedTask(() => {
      seen.push('task')
      runner.postTask(() => void seen.push('posted by the task'))
    }, 10)
    await sleeping
    expect(seen).toEqual(['task', 'posted by the task', 'body'])
  })
})

test('what is left over fails the test, with the place of the post', async () => {
  const outcome = runTest(
    (env) => void new SequencedTaskRunner(env.pool, { name: 'db' }).postDelayedTask(() => {}, 5, { name: 'left' }),
  )
  await expect(outcome).rejects.toThrow(LeakError)
  await expect(outcome).rejects.toThrow(/db\/left: delayed until t=5 {2}\(run-test\.test\.ts:\d+:\d+\)/)
})

test('with drain: fastForward what is left over runs first', async () => {
  let ran = false
  await runTest((env) => void new SequencedTaskRunner(env.pool).postDelayedTask(() => void (ran = true), 5), {
    drain: 'fastForward',
  })
  expect(ran).toBe(true)
})

test('a failing body is never masked by what it leaves over', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  const outcome = runTest((env) => {
    new SequencedTaskRunner(env.pool, { name: 'db' }).postDelayedTask(() => {}, 5, { name: 'left' })
    throw new RangeError('the assertion')
  })
  await expect(outcome).rejects.toThrow(new RangeError('the assertion'))
  expect(print).toHaveBeenCalledWith(expect.stringContaining('db/left'))
  print.mockRestore()
})

test('timeLimit bounds virtual time', async () => {
  await expect(runTest((env) => env.sleep(1001), { timeLimit: 1000 })).rejects.toThrow(TimeLimitError)
  await runTest((env) => env.sleep(1000), { timeLimit: 1000 })
})

test('a repeating task keeps no body that never ends going for ever: the error says what is pending', async () => {
  const outcome = runTest(
    async (env) => {
      new SequencedTaskRunner(env.pool, { name: 'cache' }).postRepeatingTask(() => {}, 1000, { name: 'sweep' })
      await new SequencedTaskRunner(env.pool, { name: 'api' }).run(() => new Promise(() => {}), { name: 'load' })
    },
    { stepLimit: 200 },
  )
  await expect(outcome).rejects.toThrow(TaskLimitError)
  await expect(outcome).rejects.toThrow(
    /within 200 steps[\s\S]*t=\d+: 2 task\(s\) pending[\s\S]*test\/body: running, awaiting run api\/load[\s\S]*cache\/sweep: .*every 1000 ms[\s\S]*api\/load: running, awaiting something the environment does not know/,
  )
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_TASK_LIMIT', tasks: ['test/body', 'cache/sweep', 'api/load'] })
})

test('stepLimit is 20,000 if it is not given', async () => {
  const ran: number[] = []
  const outcome = runTest(async (env) => {
    new SequencedTaskRunner(env.pool).postRepeatingTask(() => void ran.push(env.clock.now()), 1)
    const paused = new SequencedTaskRunner(env.pool)
    paused.pause()
    await paused.run(() => {})
  })
  await expect(outcome).rejects.toThrow(TaskLimitError)
  expect(ran.at(-1)).toBe(20_001)
})

test('stepLimit counts starts and continuations of tasks, and timers of the code under test', async () => {
  const ticks = (stepLimit: number | undefined): Promise<void> =>
    runTest(
      async (env) => {
        env.installGlobals(['setInterval'])
        await new Promise<void>((resolve) => {
          let left = 20
          const interval = setInterval(() => --left === 0 && resolve(clearInterval(interval)), 10)
        })
      },
      { stepLimit },
    )
  await ticks(20)
  await expect(ticks(19)).rejects.toThrow(/did not end within 19 steps/)
})

test.for([Number.NaN, -1, '5'])('a limit of %s is refused', async (limit) => {
  await expect(runTest(() => {}, { stepLimit: limit as number })).rejects.toThrow(RangeError)
  await expect(runTest(() => {}, { timeLimit: limit as number })).rejects.toThrow(RangeError)
})

test('after its body run() finishes what needs no time, and moves no time', async () => {
  const env = createTestEnvironment()
  const log: string[] = []
  await env.run(() => {
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    runner.postTask(() => {
      log.push('now')
      runner.postTask(() => void log.push('posted by it'))
    })
    runner.postDelayedTask(() => void log.push('later'), 1, { name: 'later' })
  })
  expect([log, env.clock.now()]).toEqual([['now', 'posted by it'], 0])
  expect(env.pendingTasks().map(({ name }) => name)).toEqual(['later'])
  await env.discard()
})

test('D3 a repeating task of interval 0 is a livelock, with a queueTimeout of 0 as well', async () => {
  for (const options of [{}, { queueTimeout: 0 }]) {
    const outcome = runTest(async (env) => {
      new SequencedTaskRunner(env.pool, { name: 'r' }).postRepeatingTask(() => {}, 0, { name: 'poll', ...options })
      await env.sleep(10)
    })
    await expect(outcome).rejects.toThrow(LivelockError)
    await expect(outcome).rejects.toThrow(
      /^livelock: more than 10000 steps at t=0: (?:r\/poll x\d+|no task starts)[\s\S]*r\/poll: .*every 0 ms/,
    )
  }
})

describe('deadlocks', () => {
  const never = new Promise<never>(() => {})
  const silent = (promise: Promise<unknown>): void => void promise.catch(() => {})

  test('two tasks that wait for each other are named, with the cycle', async () => {
    const outcome = runTest(async (env) => {
      const [a, b] = [new SequencedTaskRunner(env.pool, { name: 'a' }), new SequencedTaskRunner(env.pool, { name: 'b' })]
      const outer = a.run(
        async (context) => {
          await context.sleep(1)
          const inner = b.run(() => 1, { name: 'inner' })
          silent(inner)
          await inner
        },
        { name: 'outer' },
      )
      const other = b.run(
        async (context) => {
          await context.sleep(1)
          const inner = a.run(() => 1, { name: 'inner' })
          silent(inner)
          await inner
        },
        { name: 'other' },
      )
      silent(outer)
      silent(other)
      await Promise.all([outer, other])
    })
    await expect(outcome).rejects.toThrow(DeadlockError)
    await expect(outcome).rejects.toThrow(
      /^deadlock: 5 task\(s\)[\s\S]*a\/outer: running, awaiting run b\/inner[\s\S]*cycle: .*a\/outer.*b\/other/,
    )
  })

  test('parents that hold every slot and wait for their children are named', async () => {
    const outcome = runTest(
      async (env) => {
        const parents = new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'parents' })
        const children = new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'children' })
        const parent = async (context: TaskContext): Promise<void> => {
          await context.sleep(1)
          const child = children.run(() => {}, { name: 'child' })
          silent(child)
          await child
        }
        const outcomes = [parents.run(parent, { name: 'p1' }), parents.run(parent, { name: 'p2' })]
        for (const each of outcomes) silent(each)
        await Promise.all(outcomes)
      },
      { executor: { maxConcurrency: 2 } },
    )
    await expect(outcome).rejects.toThrow(
      /deadlock[\s\S]*children\/child: queued[\s\S]*cycle: parents\/p1 -> children\/child -> parents\/p1/,
    )
  })

  test('a body that waits for nothing known is a potential deadlock', async () => {
    await expect(runTest(() => never)).rejects.toThrow(/deadlock: 1 task\(s\)[\s\S]*test\/body: running, awaiting something/)
  })
})
