import type { TaskPriority } from './task.ts'
import type { TaskRun } from './task-run.ts'

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

  add(id: number, run: TaskRun, endedAt: number): void {
    const { name, priority, error, waitMs, runMs, thread } = run.named()
    const outcome = run.outcome as TaskSummary['outcome']
    this.#ring[this.#next] = { id, name, priority, outcome, error, waitMs, runMs, endedAt, thread }
    if (++this.#next === this.#size) this.#next = 0
  }

  /** Newest first. */
  recent(limit: number): readonly TaskSummary[] {
    const newestLast = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
    return newestLast.reverse().slice(0, limit)
  }
}
