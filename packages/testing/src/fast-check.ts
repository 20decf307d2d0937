import * as fc from 'fast-check'

/**
 * Schedules as generated data, for properties of data and schedule together; both shrink at once.
 *
 * ```ts
 * await fc.assert(fc.asyncProperty(fc.array(fc.nat()), scheduleArbitrary(), async (items, schedule) => {
 *   await explore(async (env) => { ... }, { replay: schedule })
 * }))
 * ```
 *
 * To search for races alone, `explore` by itself samples better.
 */
export const scheduleArbitrary = (
  options: { readonly maxLength?: number; readonly maxIndex?: number } = {},
): fc.Arbitrary<number[]> => fc.array(fc.nat(options.maxIndex ?? 7), { maxLength: options.maxLength ?? 32 })
