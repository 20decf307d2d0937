import type { DurationStats, RunnerKind, TaskPriority } from '@posttask/core'

/** What the page is sent: everything it shows, at one moment. Times are milliseconds. */
export interface Snapshot {
  /** Since the inspector started. */
  readonly at: number
  /** Since the sample before; 0 for the first one. */
  readonly spanMs: number
  readonly loop: LoopSnapshot
  readonly pools: readonly PoolSnapshot[]
  readonly executors: readonly ExecutorSnapshot[]
  readonly recording: RecordingSnapshot | null
}

/** The event loop since the sample before. */
export interface LoopSnapshot {
  /** 0 to 1. */
  readonly utilization: number
  readonly delayP99Ms: number
}

/** A trace that is being recorded. */
export interface RecordingSnapshot {
  readonly elapsedMs: number
  /** Tasks are no longer kept. */
  readonly isFull: boolean
}

/** Sums over runners. */
export interface RunnerSums {
  runners: number
  pending: number
  running: number
  delayed: number
  completed: number
  failed: number
  cancelled: number
  timedOut: number
  rejected: number
  finishedPerSecond: number
}

/** One pool: its busiest runners, and the sums of all and of the rest. */
export interface PoolSnapshot {
  readonly name: string
  readonly executor: string
  /** Null for no limit. */
  readonly slots: number | null
  readonly isClosed: boolean
  readonly all: RunnerSums
  readonly rest: RunnerSums
  /** In order of their creation; where that is not all of them, those that are much busier come first. */
  readonly runners: readonly RunnerSnapshot[]
  /** Those that have been running for longest, of all runners. */
  readonly longest: readonly RunningSnapshot[]
}

/** One runner. */
export interface RunnerSnapshot {
  /** By which it is paused and resumed. */
  readonly id: number
  readonly name: string
  readonly kind: RunnerKind
  readonly priority: TaskPriority
  /** Null for no limit. */
  readonly maxConcurrency: number | null
  readonly pending: number
  readonly running: number
  readonly delayed: number
  readonly repeating: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly timedOut: number
  readonly rejected: number
  readonly isClosed: boolean
  /** From here. */
  readonly isPaused: boolean
  readonly barrierPending: boolean
  readonly finishedPerSecond: number
  readonly waitMs: DurationStats | undefined
  readonly runMs: DurationStats | undefined
  /** How many ran, on average, since the sample before, those in `slices` and `current` left out. */
  readonly load: number
  /** Tasks that ended since the sample before: the longest ones. */
  readonly slices: readonly SliceSnapshot[]
  /** Tasks that run, the oldest first; if there is none, those that were cancelled and have not stopped. */
  readonly current: readonly RunningSnapshot[]
}

/** A task that has ended. */
export interface SliceSnapshot {
  readonly name: string
  /** As {@link Snapshot.at}. */
  readonly endedAt: number
  readonly runMs: number
  readonly waitMs: number
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | 'timed-out'
  readonly hasStarted: boolean
  /** What it failed with, or why it was cancelled. */
  readonly reason: string | undefined
  readonly thread: number | undefined
  readonly site: string | undefined
}

/** A task that runs. */
export interface RunningSnapshot {
  readonly id: number
  readonly name: string
  readonly runner: string
  readonly ageMs: number
  /** False if it has been running for longer: it was started before anything measured. */
  readonly isAgeKnown: boolean
  /** It was cancelled, and has not stopped. */
  readonly isCancelled: boolean
  /** The first frame of the post, with `traceOrigin`. */
  readonly site: string | undefined
}

/** The threads of an executor. */
export interface ExecutorSnapshot {
  readonly name: string
  readonly threads: readonly ThreadSnapshot[]
}

/** One thread. */
interface ThreadSnapshot {
  /** Undefined while it is not started. */
  readonly id: number | undefined
  readonly isBusy: boolean
  /** Share of its life in which its event loop was busy, 0 to 1. */
  readonly utilization: number
  readonly completed: number
  readonly respawns: number
}
