import type { TaskRecord } from './task-record.ts'

const captureStackTrace = (Error as { captureStackTrace?: (target: object, above?: unknown) => void }).captureStackTrace

/** The stack of a post. Its first line is no frame, and `ownFrames` are of the engine. */
export interface Origin {
  stack?: unknown
  readonly ownFrames: number
}

/**
 * Remembers where the caller of the engine's public method is, which is the last of `ownFrames` from here up. The stack
 * is formatted only when it is read.
 */
export const captureOrigin = (ownFrames: number): Origin => {
  const origin: Origin = { ownFrames }
  if (captureStackTrace === undefined) origin.stack = new Error('posted').stack
  else captureStackTrace(origin, captureOrigin)
  return origin
}

/**
 * Remembers who calls a function of ours that posts on behalf of its caller, where the pool traces origins. `ownFrames` are
 * the frames of ours from there up.
 */
export const captureCaller = (pool: { readonly tracesOrigin: boolean }, ownFrames: number): Origin | undefined =>
  pool.tracesOrigin ? captureOrigin(ownFrames + 1) : undefined

/** The stack of the post of a task, where the pool traces origins (E5). */
export const postedFrom = (record: TaskRecord): string | undefined => {
  try {
    // A program may have its own `Error.prepareStackTrace`, which may throw, and makes anything of a stack.
    const { stack, ownFrames } = record.extras?.origin ?? {}
    if (typeof stack !== 'string' || ownFrames === undefined) return undefined
    return stack
      .split('\n')
      .slice(1 + ownFrames)
      .join('\n')
  } catch {
    return undefined
  }
}

/** Adds the posting site of a task to the stack of its error (E5), and returns that error. */
export const appendOrigin = <E>(error: E, record: TaskRecord): E => {
  const origin = postedFrom(record)
  try {
    if (origin !== undefined && error instanceof Error) error.stack = `${error.stack}\n    --- posted from ---\n${origin}`
  } catch {
    // A frozen error stays as it is, and one that cannot be looked at too.
  }
  return error
}
