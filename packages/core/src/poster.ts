import type { TaskHandle } from './task.ts'
import type { TaskRecord } from './task-record.ts'

let answered: TaskRecord | undefined

/** The task that the post which is made now replies to. Told once: what observers of it post is no reply. */
export const takeAnswered = (): TaskHandle | undefined => {
  const record = answered
  answered = undefined
  return record
}

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
