import { type DurationStats, Histogram } from './histogram.ts'
import type { TaskPriority } from './task.ts'
import { cancelled, failed, type RecordState, rejected, succeeded } from './task-record.ts'
import type { RunnerKind } from './task-runner.ts'

/** A runner at one moment, and what became of its tasks so far. */
export interface RunnerStats {
  readonly name: string
  readonly kind: RunnerKind
  readonly priority: TaskPriority
  /** Tasks in the queue, barriers not counted. */
  readonly pending: number
  /** Tasks whose delay has not passed. */
  readonly delayed: number
  /** Repeating tasks that go on. */
  readonly repeating: number
  /** Tasks that were started and have not settled. */
  readonly running: number
  /** Outcomes. A `flush` is no task, and has none. */
  readonly completed: number
  readonly failed: number
  /** Ended by their poster: a signal, `cancel()`, or the end of the pool. */
  readonly cancelled: number
  /** Ended by `timeout` or `queueTimeout`. */
  readonly timedOut: number
  /** Refused posts and dropped tasks. */
  readonly rejected: number
  readonly closed: boolean
  /** A pause holds it: nothing of it starts. */
  readonly paused: boolean
  /** A `flush` waits or runs. */
  readonly barrierPending: boolean
  /**
   * How long the oldest task in the queue has waited, in ms; barriers and ticks of repeating tasks are passed over. With
   * `timing`, `history` or an observer; undefined without, if none waits, and for one posted before anything measured.
   */
  readonly oldestWaitingMs: number | undefined
  /** How long the oldest task that holds a slot has run, in ms, one that was cancelled and has not stopped included (C2). */
  readonly oldestRunningMs: number | undefined
  /** From joining the queue to the start; with `timing` or an observer. */
  readonly waitMs: DurationStats | undefined
  /** From the start to the outcome; with `timing` or an observer. */
  readonly runMs: DurationStats | undefined
}

type OutcomeCounts = Pick<RunnerStats, 'completed' | 'failed' | 'cancelled' | 'timedOut' | 'rejected'>

/** Counts outcomes, and measures durations once there are some to measure. */
export class OutcomeCounters {
  completed = 0
  failed = 0
  cancelled = 0
  timedOut = 0
  rejected = 0
  waitMs: Histogram | undefined
  runMs: Histogram | undefined
  #successor: OutcomeCounters | undefined

  count(state: RecordState, isLate: boolean): void {
    if (state === succeeded) this.completed++
    else if (state === failed) this.failed++
    else if (isLate) this.timedOut++
    else if (state === cancelled) this.cancelled++
    else if (state === rejected) {
      this.rejected++
      this.#successor?.count(state, false)
    }
  }

  /** Adds all to other counters. From now on only posts are refused, and those count there as well. */
  handOver(to: OutcomeCounters): void {
    this.#successor = to
    to.add(this)
  }

  add({ completed, failed, cancelled, timedOut, rejected }: OutcomeCounts): void {
    this.completed += completed
    this.failed += failed
    this.cancelled += cancelled
    this.timedOut += timedOut
    this.rejected += rejected
  }

  measure(waitMs: number, runMs: number): void {
    this.waitMs ??= new Histogram()
    this.waitMs.record(waitMs)
    this.runMs ??= new Histogram()
    this.runMs.record(runMs)
  }
}
