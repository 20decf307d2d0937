import { threadId } from 'node:worker_threads'
import type { TaskExecution } from '../executor.ts'
import { intrinsics } from '../intrinsics.ts'

/** What a task of a module is told of itself, on every backend. */
export interface WorkerTaskContext {
  readonly name: string
  readonly id: number
  /** What the observers of the pool let travel with the task (`TaskStartedEvent.carry`); empty where they do not. */
  readonly carrier: Readonly<Record<string, string>>
  /** Of the thread it runs on; 0 is the main thread. */
  readonly threadId: number
  /**
   * Fires when the task is cancelled (C3). On a thread `signal.aborted` and `signal.throwIfAborted()` are live: a loop
   * that never awaits can poll them.
   */
  readonly signal: AbortSignal
  /** Throws the signal's reason once the task is cancelled. For loops that never await. */
  throwIfAborted(): void
  /** Reaches `PostOptions.onProgress` of the poster, in order, always before the outcome. */
  progress(value: unknown): void
}

/** What runs in a thread knows more: what its result is to move. */
export interface ThreadTaskContext extends WorkerTaskContext {
  moveWithResult(objects: readonly object[]): void
}

/** Of a task with which nothing travels. */
export const noCarrier: Readonly<Record<string, string>> = Object.freeze({})

/** A task may take away the name of it. */
const host = globalThis
const { defineProperty } = Object

const hook = Symbol.for('@posttask/core/current-execution')

type Hook = () => ThreadTaskContext | TaskExecution | undefined

type Global = { [hook]?: Hook }

/**
 * The current task, in a thread of ours or on the event loop that posted it. Found on the global object, so that two
 * copies of this module, one loaded by the task's module, agree.
 */
const currentExecution = (): ThreadTaskContext | TaskExecution | undefined => (host as Global)[hook]?.()

/** In a thread: whoever asks for the current task is told by `current`. */
export const provideTaskContext = (current: () => ThreadTaskContext | undefined): void => {
  defineProperty(host, hook, { value: current, configurable: true, writable: true })
}

const ofExecution = (execution: TaskExecution): WorkerTaskContext => ({
  name: execution.name,
  id: execution.id,
  carrier: execution.carrier ?? noCarrier,
  threadId,
  get signal() {
    return execution.signal
  },
  throwIfAborted() {
    if (execution.aborted) throw execution.abortReason
  },
  progress: (value) => execution.progress(value),
})

/**
 * The context of the bound task that calls it, on every backend. On a thread it works anywhere in the task. Inline, call
 * it in the task's synchronous part (or use a pool with `trackRunner: true`) and keep what it returns.
 *
 * ```ts
 * export function render(scene: Scene): Image {
 *   const task = taskContext()
 *   for (const row of scene.rows) {
 *     task.throwIfAborted()
 *     task.progress(row.index)
 *   }
 * }
 * ```
 *
 * @throws Error where no task runs
 */
export const taskContext = (): WorkerTaskContext => {
  const current = currentExecution()
  if (current === undefined)
    throw new intrinsics.Error('taskContext() was called outside of a task; call it in the synchronous part of one')
  return 'moveWithResult' in current ? current : ofExecution(current)
}

/**
 * Gives `value` back as it is, and on a thread moves the objects of `list`, which it contains, instead of copying them
 * when the task returns it.
 *
 * ```ts
 * export function decode(bytes: Uint8Array): Uint8Array {
 *   const pixels = new Uint8Array(bytes.length * 4)
 *   return transfer(pixels, [pixels.buffer])
 * }
 * ```
 */
export const transfer = <T>(value: T, list: readonly object[]): T => {
  const current = currentExecution()
  if (current !== undefined && 'moveWithResult' in current) current.moveWithResult(list)
  return value
}
