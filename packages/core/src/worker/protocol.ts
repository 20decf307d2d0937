import type { MessagePort } from 'node:worker_threads'
import type { EncodedThrown } from './encode-thrown.ts'

/** What a thread is given once: its end of the line to main, and the memory that both see. */
export interface ThreadStart {
  readonly port: MessagePort
  readonly memory: SharedArrayBuffer
  /** Set where the thread is another's: it serves one message, and its stray errors are the owner's business. */
  readonly isBorrowed: boolean
}

/** Names an exported function once; afterwards its index is enough. */
export type TargetDefinition = readonly [index: number, module: string, exportName: string]

/**
 * One or more tasks. Flat, because a flat array is the cheapest thing to clone: the number of the job, then
 * {@link taskStride} entries for each task.
 */
export type JobMessage = unknown[]

/** Place on the board, target (index or definition), id, arguments, whether progress is wanted, name, carrier. */
export const taskStride = 7

/** The reason crosses as an error does. */
export interface AbortMessage {
  readonly job: number
  readonly index: number
  readonly reason: EncodedThrown
}

/** First entry of a message from the thread. A bare number `n` says: the first `n` tasks are done, look at the board. */
export const threadMessage = {
  /** `[returned, n, value]`: the first n are done, and this is the result of the last of them. */
  returned: 0,
  /** `[threw, n, encoded]` */
  threw: 1,
  /** `[progress, index, value]` */
  progress: 2,
  /** `[stray, encoded]`: an error while no task ran. */
  stray: 3,
  /** `[crash, encoded]`: an uncaught error while a task ran; the thread ends. */
  crash: 4,
  /** `[threwReason, n]`: it threw the very reason it was aborted with, which main has. */
  threwReason: 5,
  /** `[unread, n, encoded]`: message n from main, counted from 0, could not be read. */
  unread: 6,
} as const

export type ThreadMessage =
  | number
  | readonly [kind: typeof threadMessage.returned, done: number, value: unknown]
  | readonly [kind: typeof threadMessage.threw, done: number, thrown: EncodedThrown]
  | readonly [kind: typeof threadMessage.progress, index: number, value: unknown]
  | readonly [kind: typeof threadMessage.stray, thrown: EncodedThrown]
  | readonly [kind: typeof threadMessage.crash, thrown: EncodedThrown]
  | readonly [kind: typeof threadMessage.threwReason, done: number]
  | readonly [kind: typeof threadMessage.unread, message: number, thrown: EncodedThrown]
