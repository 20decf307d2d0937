import { currentTask } from './current-task.ts'
import type { Origin } from './origin.ts'
import type { TaskHandle } from './task.ts'
import type { TaskRecord } from './task-record.ts'

let answered: TaskRecord | undefined
let givenOrigin: Origin | undefined

/** The task behind a post that is made now: the one that is replied to, or the current one. */
export const currentPoster = (): TaskRecord | undefined => answered ?? currentTask()

/** The task that the post which is made now replies to. */
export const answeredTask = (): TaskHandle | undefined => answered

/**
 * Where the post that is made now comes from, if not from the caller of the runner: a reply comes from where its task was
 * posted. Given once: what observers of the post do is none of it.
 */
export const takeOrigin = (): Origin | undefined => {
  const origin = givenOrigin ?? answered?.extras?.origin
  givenOrigin = undefined
  return origin
}

/** Makes a post on behalf of a caller who is, or was, elsewhere (E5). */
export const postFrom = <R>(origin: Origin | undefined, post: () => R): R => {
  if (origin === undefined) return post()
  givenOrigin = origin
  try {
    return post()
  } finally {
    givenOrigin = undefined
  }
}

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
