import type { DelayEntry } from './delay-queue.ts'
import { TaskTimeoutError } from './errors.ts'
import { appendOrigin } from './origin.ts'
import { running, type TaskRecord } from './task-record.ts'

/** The time limit of a task: of its wait (C1), then of its run (C2). */
export class Deadline implements DelayEntry {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: Deadline = new Deadline(undefined as never, 0, 0)

  readonly id: number
  order = 0
  readonly #record: TaskRecord
  readonly #ms: number

  constructor(record: TaskRecord, id: number, ms: number) {
    this.#record = record
    this.id = id
    this.#ms = ms
  }

  onDue(): void {
    const record = this.#record
    const isRunning = record.code === running
    const what = isRunning
      ? `did not end within its timeout of ${this.#ms} ms`
      : `did not start within its queueTimeout of ${this.#ms} ms`
    const remedy = isRunning ? 'let it watch context.signal' : 'post less, or give its runner a higher priority'
    const note = record.runner.pool.seam?.explainTimeout?.(record)
    const error = new TaskTimeoutError(
      `task "${record.name}" on runner "${record.runner.name}" ${what}; raise the limit, or ${remedy}${note === undefined ? '' : `\n${note}`}`,
    )
    record.runner.abort(record, appendOrigin(error, record))
  }
}
