import { createRandom, type Random, randomInteger } from './random.ts'

/** Decides which candidate goes next. Index 0 is "run on"; the sum of all indices is the number of delays. */
export interface Strategy {
  /** How a failure was found, for the report. */
  readonly name: string
  /** `keyOf` tells which task a candidate belongs to. Gives an index below `count`, which is at least 2. */
  choose(count: number, keyOf: (index: number) => unknown): number
}

/** What is given, then always 0. An index that is too high by now counts as the last one. */
export const replayStrategy = (decisions: readonly number[]): Strategy => {
  let position = 0
  return { name: 'replay', choose: (count) => Math.min(decisions[position++] ?? 0, count - 1) }
}

/** Every candidate is equally likely. */
export const randomStrategy = (seed: number): Strategy => {
  const random = createRandom(seed)
  return { name: `random seed ${seed}`, choose: (count) => randomInteger(random, count) }
}

/**
 * Probabilistic concurrency testing (Burckhardt and others, 2010): tasks have random priorities and the highest runs,
 * except that at `depth - 1` random steps the running one falls to the bottom. `length` is the expected number of decisions.
 */
export const pctStrategy = (seed: number, depth: number, length: number): Strategy => {
  const random = createRandom(seed)
  const changes = new Set(Array.from({ length: depth - 1 }, () => randomInteger(random, length)))
  const priorities = new Map<unknown, number>()
  let step = 0
  let lowest = 0
  const priorityOf = (key: unknown): number => {
    let priority = priorities.get(key)
    if (priority === undefined) priorities.set(key, (priority = 1 + random()))
    return priority
  }
  const highest = (count: number, keyOf: (index: number) => unknown): number => {
    let best = 0
    for (let index = 1; index < count; index++) if (priorityOf(keyOf(index)) > priorityOf(keyOf(best))) best = index
    return best
  }
  return {
    name: `PCT depth ${depth} seed ${seed}`,
    choose(count, keyOf) {
      if (changes.has(step++)) priorities.set(keyOf(highest(count, keyOf)), --lowest)
      return highest(count, keyOf)
    },
  }
}

/** Delay bounding (Emmi and others, 2011): runs on, except at `delays` random steps. */
export const delayStrategy = (seed: number, delays: number, length: number): Strategy => {
  const random = createRandom(seed)
  const at = new Set(Array.from({ length: delays }, () => randomInteger(random, length)))
  let step = 0
  return {
    name: `${delays} random delay(s) seed ${seed}`,
    choose: (count) => (at.has(step++) ? 1 + randomInteger(random, count - 1) : 0),
  }
}

/** No single strategy is safe, so each third of the seeds has its own. */
export const mixedStrategy = (seed: number, number: number, length: number): Strategy => {
  const own = (seed + Math.imul(number, 0x9e3779b1)) >>> 0
  const variant: Random = createRandom(own)
  if (number % 3 === 0) return randomStrategy(own)
  if (number % 3 === 1) return pctStrategy(own, 2 + randomInteger(variant, 4), length)
  return delayStrategy(own, 1 + randomInteger(variant, 3), length)
}
