import type { TaskRecord } from './task-record.ts'

const captureStackTrace = (Error as { captureStackTrace?: (target: object, above?: unknown) => void }).captureStackTrace

/** The line that is not a frame, and the frames of the engine: the public method and what it calls. */
const ownLines = 3

/** Remembers where the caller of the engine's public method is. The stack is formatted only when it is read. */
export const captureOrigin = (): { stack?: string } => {
  const origin: { stack?: string } = {}
  if (captureStackTrace === undefined) return new Error('posted')
  captureStackTrace(origin, captureOrigin)
  return origin
}

/** The stack of the post of a task, where the pool traces origins (E5). */
export const postedFrom = (record: TaskRecord): string | undefined => {
  try {
    // A program may have its own `Error.prepareStackTrace`, which may throw, and makes anything of a stack.
    const stack: unknown = record.extras?.origin?.stack
    return typeof stack === 'string' ? stack.split('\n').slice(ownLines).join('\n') : undefined
  } catch {
    return undefined
  }
}

/** Adds the posting site to the stack of the error that a task failed with (E5). */
export const appendOrigin = (error: unknown, record: TaskRecord): void => {
  const origin = postedFrom(record)
  if (origin === undefined || !(error instanceof Error)) return
  try {
    error.stack = `${error.stack}\n    --- posted from ---\n${origin}`
  } catch {
    // A frozen error stays as it is.
  }
}
