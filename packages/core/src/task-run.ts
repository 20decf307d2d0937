import type { TaskStartedEvent } from './observer.ts'
import type { TaskHandle, TaskPriority } from './task.ts'
import type { TaskSummary } from './task-history.ts'
import { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/**
 * One run of a task, where somebody measures it. It is at once the event that observers get when the task starts, around
 * it and when it has ended: one object, complete at the end.
 */
export class TaskRun implements TaskStartedEvent {
  /** As `TaskRecord.keptAlive`. With a fraction for a duration, as at the end: a number of another kind makes another class. */
  static readonly keptAlive: TaskRun = Object.assign(new TaskRun(TaskRecord.keptAlive, 0.5, true, 0.5), { runMs: 0.5 })

  readonly runner: TaskRunner
  readonly task: TaskHandle
  name = ''
  priority: TaskPriority = 'user-visible'
  /** Until its end. */
  outcome: TaskSummary['outcome'] | undefined = undefined
  error: unknown = undefined
  readonly waitMs: number
  runMs = 0
  /** Where it ran its time was measured: `runMs` is that. */
  isMeasured = false
  thread: number | undefined = undefined
  readonly hasStarted: boolean
  /** On the pool's clock. */
  readonly startedAt: number

  constructor(record: TaskRecord, waitMs: number, hasStarted: boolean, startedAt: number) {
    this.runner = record.runner
    this.task = record
    this.waitMs = waitMs
    this.hasStarted = hasStarted
    this.startedAt = startedAt
  }

  get isDelayed(): boolean {
    return (this.task as TaskRecord).isDelayed
  }

  /** With its name, for whoever sees it: to read the name of a function costs as much as to look at the clock. */
  named(): this {
    if (this.name !== '') return this
    this.name = this.task.name
    this.priority = (this.task as TaskRecord).priority
    return this
  }

  get startNumber(): number {
    return 1 + ((this.task as TaskRecord).extras?.losses ?? 0)
  }

  carry(key: string, value: string): void {
    this.runner.pool.hooks.carries = true
    const extras = this.runner.extrasOf(this.task as TaskRecord)
    extras.carrier ??= {}
    extras.carrier[key] = value
  }
}
