/** What one measurement gives: figures by name, see `metrics`. */
export type Sample = Readonly<Record<string, number>>

/** One implementation in a benchmark. */
export interface Contender {
  /** Shown in tables, and the key in `results.json`. Ours start with `posttask`. */
  readonly name: string
  /** The npm package that is measured; its version is shown. */
  readonly package?: string
  /** Measures once. It is called in a child process of its own, first unmeasured to warm up. */
  measure(context: MeasureContext): Promise<Sample> | Sample
  /** Fewer tasks than the case says, for who is too slow for it: figures are per task. */
  readonly most?: number
  /** Leaves out cases in which this contender has no part. */
  readonly cases?: (name: string) => boolean
  /** For the child process, such as the size of the young generation. */
  readonly nodeFlags?: readonly string[]
}

/** One column of a benchmark: same question, other size or setting. */
export interface Case {
  readonly name: string
  /** How many tasks a measurement takes. */
  readonly n: number
  /** What else differs between the cases of this benchmark. */
  readonly settings?: Readonly<Record<string, number | string | boolean>>
}

/** What `Contender.measure` is told. */
export interface MeasureContext {
  readonly n: number
  readonly case: Case
}

/** One question, with everybody who answers it. */
export interface Benchmark {
  /** Its row in the table of bars: `B1` to `B14`. */
  readonly id: string
  readonly question: string
  readonly cases: readonly Case[]
  readonly contenders: readonly Contender[]
  /** Measured rounds where nothing else is asked for; at least 5, or 1 where the figure cannot vary. */
  readonly rounds?: number
  /**
   * Unmeasured runs right before each measured one. What is measured is code that runs all the time, and between two
   * rounds a process waits for the others long enough for the engine to forget what it had learned.
   */
  readonly warmUps?: number
  /** A new process for each measurement: for start-up and memory. There is no warm-up then. */
  readonly freshProcess?: boolean
}

/** Checks, for inference, and gives back what it gets. */
export const benchmark = (definition: Benchmark): Benchmark => definition
