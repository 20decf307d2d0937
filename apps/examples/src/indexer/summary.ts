import type { RunnerStats } from '@posttask/core'
import type { Health } from './health.ts'
import type { Figures } from './tally.ts'

/** All there is to say at the end of a run. */
export interface Summary {
  readonly root: string
  readonly database: string
  readonly backend: string
  readonly jobs: number
  readonly elapsedMs: number
  /** Ctrl-C ended the run early. */
  readonly wasInterrupted: boolean
  readonly figures: Figures
  /** How many files can be found now, those of other trees in the same index included. */
  readonly searchable: number
  readonly health: Health
  readonly runners: readonly RunnerStats[]
}
