import type { TaskStartedEvent } from './observer.ts'
import type { TaskHandle, TaskPriority } from './task.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** The event of a task that starts now. */
export class StartedEvent implements TaskStartedEvent {
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
  readonly #record: TaskRecord

  constructor(record: TaskRecord) {
    this.runner = record.runner
    this.task = record
    this.name = record.name
    this.priority = record.priority
    this.#record = record
  }

  carry(key: string, value: string): void {
    const extras = this.runner.extrasOf(this.#record)
    extras.carrier ??= {}
    extras.carrier[key] = value
  }
}
