import { trimmed } from './race-error.ts'

const mostRuns = 300

/** A smaller list of decisions that fails in the same way, and how many runs it took to find. */
export const shrink = async (
  found: readonly number[],
  failsAlike: (decisions: readonly number[]) => Promise<boolean>,
): Promise<{ readonly decisions: readonly number[]; readonly runs: number }> => {
  let best = trimmed(found)
  let runs = 0
  const accept = async (candidate: readonly number[]): Promise<boolean> => {
    if (runs >= mostRuns) return false
    runs++
    if (!(await failsAlike(candidate))) return false
    best = trimmed(candidate)
    return true
  }
  for (let hasImproved = true; hasImproved && runs < mostRuns; ) {
    hasImproved = false
    // Halves first, then one entry less.
    for (let cut = Math.ceil(best.length / 2); cut > 0; cut = Math.floor(cut / 2)) {
      while (best.length >= cut && best.length > 0 && (await accept(best.slice(0, best.length - cut)))) hasImproved = true
    }
    for (let index = best.length - 1; index >= 0; index--) {
      const value = best[index] ?? 0
      for (const lower of value > 1 ? [0, 1, value - 1] : value === 1 ? [0] : []) {
        if (await accept(best.with(index, lower))) {
          hasImproved = true
          break
        }
      }
      // An entry less in the middle: what follows happens one decision earlier.
      if (index < best.length && (best[index] ?? 0) === 0 && (await accept(best.toSpliced(index, 1)))) hasImproved = true
    }
  }
  return { decisions: best, runs }
}
