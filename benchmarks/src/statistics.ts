/** A figure over the rounds: the median, and how far the rounds lay apart. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export const percentile = (values: readonly number[], fraction: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN
}

export const figureOf = (values: readonly number[]): Figure => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
})

/** The ratio of two series, round by round: what disturbed a round disturbed both. */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): Figure => {
  const rounds = Math.min(ours.length, theirs.length)
  return figureOf(Array.from({ length: rounds }, (_, round) => (ours[round] as number) / (theirs[round] as number)))
}
