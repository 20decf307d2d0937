import { currentTask } from './current-task.ts'
import type { TaskHandle } from './task.ts'
import type { TaskRecord } from './task-record.ts'

let answered: TaskRecord | undefined

/** The task behind a post that is made now: the current one, or the one that is replied to. */
export const currentPoster = (): TaskHandle | undefined => answered ?? currentTask()

/** A post that is made now is a reply. */
export const isReplying = (): boolean => answered !== undefined

/** Posts the reply to a task (F7): the task has ended, but it is the one behind the post. */
export const postReplyTo = (record: TaskRecord, post: () => void): void => {
  const outer = answered
  answered = record
  try {
    post()
  } finally {
    answered = outer
  }
}
