import { readFileSync, writeFileSync } from 'node:fs'
import { type Figure, figureOf, ratioOf } from './statistics.ts'

/** One contender in one case: a value per round for each metric. */
export type Rounds = Readonly<Record<string, readonly number[]>>

export interface BenchmarkResult {
  readonly id: string
  readonly question: string
  readonly date: string
  /** Load average of one minute when it began: a busy machine spreads the figures. */
  readonly load: number
  readonly cases: Readonly<Record<string, Readonly<Record<string, Rounds>>>>
  /** Package of each contender that has one. */
  readonly packages: Readonly<Record<string, string>>
  /** Contenders that got fewer tasks than the case says: this many at the most. */
  readonly most?: Readonly<Record<string, number>>
  /** Contenders that could not be measured, and why. */
  readonly failures: readonly string[]
}

export interface Results {
  readonly machine: Readonly<Record<string, string | number>>
  readonly versions: Readonly<Record<string, string>>
  readonly benchmarks: Readonly<Record<string, BenchmarkResult>>
}

/** The file, or undefined where nothing was measured yet. */
export const readResults = (file: URL): Results | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const writeResults = (file: URL, results: Results): void => {
  writeFileSync(file, `${JSON.stringify(results, roundNumbers, 1)}\n`)
}

/** Six digits are more than any of these figures has. */
const roundNumbers = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(6)) : value

/** Values of a metric, or undefined where the contender or the case was not measured. */
export const valuesOf = (
  result: BenchmarkResult,
  caseName: string,
  contender: string,
  metric: string,
): readonly number[] | undefined => result.cases[caseName]?.[contender]?.[metric]

export const figure = (result: BenchmarkResult, caseName: string, contender: string, metric: string): Figure | undefined => {
  const values = valuesOf(result, caseName, contender, metric)
  return values && figureOf(values)
}

/** One contender's figure over another's, round by round. */
export const ratio = (
  result: BenchmarkResult,
  caseName: string,
  ours: string,
  theirs: string,
  metric: string,
): Figure | undefined => {
  const numerator = valuesOf(result, caseName, ours, metric)
  const denominator = valuesOf(result, caseName, theirs, metric)
  return numerator && denominator && ratioOf(numerator, denominator)
}
