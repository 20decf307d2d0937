import { currentTask } from './current-task.ts'
import type { Origin } from './origin.ts'
import type { TaskHandle } from './task.ts'
import type { TaskRecord } from './task-record.ts'

let answered: TaskRecord | undefined

/** The task behind a post that is made now: the one that is replied to, or the current one. */
export const currentPoster = (): TaskRecord | undefined => answered ?? currentTask()

/** The task that the post which is made now replies to. */
export const answeredTask = (): TaskHandle | undefined => answered

/** Where the task that is replied to was posted. */
export const answeredOrigin = (): Origin | undefined => answered?.extras?.origin

/** Posts the reply to a task (F7): the task has ended, but it is the one behind the post. */
export const postReplyTo = (record: TaskRecord, post: () => TaskHandle): TaskHandle => {
  const outer = answered
  answered = record
  try {
    return post()
  } finally {
    answered = outer
  }
}
