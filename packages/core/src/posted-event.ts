import { currentTask } from './current-task.ts'
import type { TaskPostedEvent } from './observer.ts'
import { postedFrom } from './origin.ts'
import { answeredTask } from './poster.ts'
import type { TaskHandle, TaskPriority } from './task.ts'
import { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** The event of a post that is made now. A class: the getter of an object literal would cost a microsecond. */
export class PostedEvent implements TaskPostedEvent {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: PostedEvent = new PostedEvent(TaskRecord.keptAlive)

  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
  readonly poster: TaskHandle | undefined
  readonly isReply: boolean
  readonly isDelayed: boolean

  constructor(record: TaskRecord) {
    this.runner = record.runner
    this.task = record
    this.name = record.name
    this.priority = record.priority
    const answered = answeredTask()
    this.poster = record.extras?.poster ?? answered ?? currentTask()
    this.isReply = answered !== undefined
    this.isDelayed = record.isDelayed
  }

  get origin(): string | undefined {
    return postedFrom(this.task as TaskRecord)
  }
}
