import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { programs } from './fixtures/hooks/arbitraries.ts'
import { knownPrograms } from './fixtures/hooks/known-programs.ts'
import { play, warmUp } from './fixtures/hooks/play.ts'
import { Strays } from './fixtures/hooks/strays.ts'

// Hundreds in CI. A hundred thousand: POSTTASK_EPISODES=100000, with POSTTASK_SEED for the same ones again.
const episodes = Number(process.env['POSTTASK_EPISODES'] ?? 200)
const seed = Number(process.env['POSTTASK_SEED'] ?? Date.now() % 2 ** 31)
const path = process.env['POSTTASK_PATH']

describe('whatever hooks do, every rule holds', () => {
  let strays: Strays

  beforeAll(async () => {
    await warmUp()
    strays = new Strays()
  })

  afterAll(() => strays[Symbol.dispose]())

  test.for(Object.entries(knownPrograms))('%s', async ([, program]) => {
    await play(program, strays)
  })

  test(`F3 in ${episodes} random episodes`, { timeout: 30_000 + episodes * 50 }, async () => {
    const property = fc.asyncProperty(programs, (program) => play(program, strays))
    const { failed, numRuns, numShrinks, counterexamplePath, errorInstance } = await fc.check(property, {
      numRuns: episodes,
      seed,
      ...(path !== undefined && { path }),
    })
    if (episodes > 1000) console.log(`${numRuns} episodes with the seed ${seed}`)
    if (!failed) return
    const again = `POSTTASK_SEED=${seed} POSTTASK_PATH=${counterexamplePath}`
    const { message } = errorInstance as Error
    throw new Error(`episode ${numRuns} broke a rule; the least that does, after ${numShrinks} steps, is ${again}\n\n${message}`)
  })
})
