import type { RunnerStats } from './runner-stats.ts'

/** A pool at one moment. */
export interface PoolStats {
  readonly name: string
  /** Name of the executor. */
  readonly executor: string
  readonly slots: number
  /** Slots in use. */
  readonly active: number
  /** Tasks that wait in the queues of its runners. */
  readonly queued: number
  /** Tasks whose delay has not passed. */
  readonly delayed: number
  readonly closed: boolean
  readonly runners: readonly RunnerStats[]
}
