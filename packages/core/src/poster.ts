import { currentTask } from './current-task.ts'
import type { TaskHandle } from './task.ts'
import type { TaskRecord } from './task-record.ts'

let answered: TaskRecord | undefined

/** Who is behind a post that is made now, for those who watch. */
export const currentPoster = (): { readonly poster: TaskHandle | undefined; readonly isReply: boolean } => ({
  poster: answered ?? currentTask(),
  isReply: answered !== undefined,
})

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
