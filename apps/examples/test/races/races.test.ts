import { explore, RaceError } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { races } from '../../src/races/races.ts'

const failureOf = async (outcome: Promise<unknown>): Promise<RaceError> => {
  const error = await outcome.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(RaceError)
  return error as RaceError
}

describe.for(races)('$title', ({ broken, fixed }) => {
  test('is found with defaults, minimised, and replayed from the printed line', async () => {
    const error = await failureOf(explore(broken))
    expect(error.message).toMatch(/found by .+ after \d+ schedule\(s\); minimised in \d+ re-runs to [012] pre-emption\(s\)/)
    const printed = /replay: '([\d.]+)'/.exec(error.message)?.[1]
    const again = await failureOf(explore(broken, { replay: printed }))
    expect(again.trace).toEqual(error.trace)
    expect(String(again.original)).toBe(String(error.original))
  })

  test('S2 the fixed version is right under every schedule', async () => {
    const report = await explore(fixed, { exhaustive: true })
    expect(report.complete).toBe(true)
  })
})
