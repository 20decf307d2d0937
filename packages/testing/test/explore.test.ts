import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { type ExploreEnvironment, explore, RaceError, UncontrolledError } from '@posttask/testing'
import { expect, test } from 'vitest'

const lostUpdate = async (env: ExploreEnvironment): Promise<void> => {
  const store = env.cell('store', 0)
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 3, name: 'pool' })
  const increment = async (): Promise<void> => store.set((await store.get()) + 1)
  await Promise.all(['A', 'B', 'C'].map((name) => runner.run(increment, { name })))
  const n = await store.get()
  if (n !== 3) throw new Error(`n is ${n}, expected 3`)
}

const failureOf = async (outcome: Promise<unknown>): Promise<RaceError> => {
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RaceError)
  return error as RaceError
}

test('a lost update is found, minimised to one pre-emption, and replayed from the printed line', async () => {
  const error = await failureOf(explore(lostUpdate))
  expect(error.message).toMatch(/^n is \d, expected 3\nfound by .* after \d+ schedule\(s\); minimised in \d+ re-runs to 1 pre-emption/)
  const again = await failureOf(explore(lostUpdate, { replay: error.replay }))
  expect(again.trace).toEqual(error.trace)
  expect((again.original as Error).message).toBe((error.original as Error).message)
})

test('S2 on a sequence the same program is right under every schedule', async () => {
  const report = await explore(
    async (env) => {
      const store = env.cell('store', 0)
      const runner = new SequencedTaskRunner(env.pool)
      const increment = async (): Promise<void> => store.set((await store.get()) + 1)
      await Promise.all([1, 2, 3].map(() => runner.run(increment)))
      if ((await store.get()) !== 3) throw new Error('lost')
    },
    { exhaustive: true },
  )
  expect(report.complete).toBe(true)
})

test('exhaustive search of three tasks of three steps tries 9!/(3!)^3 = 1680 schedules', async () => {
  const report = await explore(
    async (env) => {
      const runners = [1, 2, 3].map(() => new SequencedTaskRunner(env.pool))
      await Promise.all(
        runners.map((runner) =>
          runner.run(async () => {
            await env.point('one')
            await env.point('two')
          }),
        ),
      )
    },
    { exhaustive: true },
  )
  expect(report).toMatchObject({ schedules: 1680, complete: true, maxSteps: 9 })
})

test('a program that depends on Math.random is refused', async () => {
  const outcome = explore(async (env) => {
    await env.point(`random ${Math.random()}`)
    await env.point('next')
  })
  await expect(outcome).rejects.toThrow(UncontrolledError)
})
