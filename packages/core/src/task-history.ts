import type { TaskPriority } from './task.ts'
import { cancelled, failed, type RecordState, succeeded, type TaskRecord } from './task-record.ts'

/** What became of a task, kept after it is gone. Times are milliseconds on the pool's clock. */
export interface TaskSummary {
  readonly id: number
  readonly name: string
  readonly priority: TaskPriority
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | 'rejected'
  /** What it failed with, or why it was cancelled, refused or dropped. */
  readonly error: unknown
  /** From joining the queue to the start; all of it where the task never started. */
  readonly waitMs: number
  /** From the start to the outcome; 0 where the task never started. */
  readonly runMs: number
  /** When it had its outcome. */
  readonly endedAt: number
  /** The id of the thread that ran it, where its executor tells. */
  readonly thread: number | undefined
}

/** The size of a history that was asked for without a size. */
export const defaultHistory = 100

/** The last tasks of a runner: a ring of a fixed size. */
export class TaskHistory {
  readonly #size: number
  readonly #ring: TaskSummary[] = []
  #next = 0

  constructor(size: number) {
    this.#size = size
  }

  add(record: TaskRecord, state: RecordState, error: unknown, waitMs: number, runMs: number, endedAt: number): void {
    const { id, name, priority, thread } = record
    this.#ring[this.#next] = { id, name, priority, outcome: outcomeOf(state), error, waitMs, runMs, endedAt, thread }
    this.#next = (this.#next + 1) % this.#size
  }

  /** Newest first. */
  recent(limit: number): readonly TaskSummary[] {
    const newestLast = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
    return newestLast.reverse().slice(0, limit)
  }
}

const outcomeOf = (state: RecordState): TaskSummary['outcome'] =>
  state === succeeded ? 'succeeded' : state === failed ? 'failed' : state === cancelled ? 'cancelled' : 'rejected'
