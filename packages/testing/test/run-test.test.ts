import { ParallelTaskRunner, SequencedTaskRunner, type TaskContext } from '@posttask/core'
import { DeadlockError, LeakError, runTest, TimeLimitError } from '@posttask/testing'
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
