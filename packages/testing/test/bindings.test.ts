import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { explore, LeakError, RaceError } from '@posttask/testing'
import { scheduleArbitrary } from '@posttask/testing/fast-check'
import { matchers, withEnvironment } from '@posttask/testing/jest'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'

test('withEnvironment passes what the runner gives, and fails a test that leaves something over', async () => {
  const seen: unknown[] = []
  await withEnvironment(async (env, context: string) => {
    seen.push(context, env.clock.now())
  })('from the runner')
  expect(seen).toEqual(['from the runner', 0])
  const leaky = withEnvironment((env) => void new SequencedTaskRunner(env.pool).postDelayedTask(() => {}, 5))
  await expect(leaky()).rejects.toThrow(LeakError)
})

test('withEnvironment never masks the failure of the body; what is left over is printed', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  const failing = withEnvironment((env) => {
    new SequencedTaskRunner(env.pool, { name: 'r' }).postDelayedTask(() => {}, 5, { name: 'left' })
    throw new Error('the assertion')
  })
  await expect(failing()).rejects.toThrow('the assertion')
  expect(print).toHaveBeenCalledWith(expect.stringContaining('r/left'))
  print.mockRestore()
})

test('the matchers refuse what they are not for', () => {
  expect(() => matchers.toBeIdle({})).toThrow(TypeError)
  expect(() => matchers.toHaveRunInOrder([])).toThrow(TypeError)
})

test('a schedule that fast-check generates finds a race, and shrinks to one deviation', async () => {
  const property = fc.asyncProperty(scheduleArbitrary(), async (schedule) => {
    await explore(
      async (env) => {
        const cell = env.cell('cell', 0)
        const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
        const increment = async (): Promise<void> => cell.set((await cell.get()) + 1)
        await Promise.all([runner.run(increment), runner.run(increment)])
        if ((await cell.get()) !== 2) throw new Error('lost')
      },
      { replay: schedule },
    )
  })
  const details = await fc.check(property, { seed: 1 })
  expect(details.failed).toBe(true)
  expect(details.errorInstance).toBeInstanceOf(RaceError)
  expect((details.counterexample?.[0] ?? []).filter((index) => index !== 0)).toHaveLength(1)
})
