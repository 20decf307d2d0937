/** What ends a body that would not end by itself. */
export interface RunLimits {
  /** The most virtual ms that the body may take. Default: no limit. */
  readonly timeLimit?: number | undefined
  /**
   * The most starts and continuations of tasks, and timers of the code under test, before the body ends. Default
   * 20,000: with a repeating task beside it, a body that never ends is no deadlock.
   */
  readonly stepLimit?: number | undefined
}

const checkedLimit = (limit: number, what: string): number => {
  if (typeof limit === 'number' && limit >= 0) return limit
  throw new RangeError(`${what} must be a number of at least 0, not ${String(limit)}`)
}

/** The limits with their defaults, checked. */
export const checkedLimits = ({ timeLimit, stepLimit }: RunLimits): Required<Record<keyof RunLimits, number>> => ({
  timeLimit: checkedLimit(timeLimit ?? Number.POSITIVE_INFINITY, 'timeLimit'),
  stepLimit: checkedLimit(stepLimit ?? 20_000, 'stepLimit'),
})
