import type { AsyncScope } from './async-context.ts'
import { callBack } from './callbacks.ts'
import type { DelayEntry } from './delay-queue.ts'
import type { Origin } from './origin.ts'
import type { SignalGroup } from './signal-group.ts'
import type { PostOptions, Task, TaskHandle } from './task.ts'
import type { WaitEdge } from './wait-edge.ts'

/** Something that waits inside a task, and ends when the task is aborted or ends. */
export interface AbortableWait {
  /** True where it goes on waiting. */
  onAbort(reason: unknown): boolean
  onEnd(error: Error): void
}

/** The name that a task brings with it; or that of one that was released, which is all that is left of it. */
export const ownName = (task: Task | string | undefined): string | undefined =>
  (typeof task === 'function' ? task.name : typeof task === 'object' ? task.export : task) || undefined

/** The default name of a task. */
export const taskName = (task: Task | string | undefined, id: number): string => ownName(task) ?? `task ${id}`

/** What few tasks need. Made when the first of it is asked for. */
export class TaskExtras {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: TaskExtras = new TaskExtras()

  name: string | undefined = undefined
  transfer: readonly object[] | undefined = undefined
  onProgress: ((value: unknown) => void) | undefined = undefined
  progressScope: AsyncScope | undefined = undefined
  /** Whose sequence it is in a keyed runner. */
  key: unknown = undefined
  timeout: number | undefined = undefined
  queueTimeout: number | undefined = undefined
  /** The signal that the poster gave, shared with the other tasks of that signal. */
  group: SignalGroup | undefined = undefined
  /** Waits for `timeout` or `queueTimeout`. */
  deadline: DelayEntry | undefined = undefined
  /** How often it was lost with its thread, and put back into the queue. */
  losses = 0
  aborted = false
  abortReason: unknown = undefined
  /** Sleeps and yields of the running task; made by the first, for a set costs more than all the rest. */
  waits: Set<AbortableWait> | undefined = undefined
  /** What the running task has asked for, and may wait for (W3). */
  edges: WaitEdge[] | undefined = undefined
  /** Who posted it, where somebody watches and it does not join the queue at once. */
  poster: TaskHandle | undefined = undefined
  /** Where it was posted from, with `traceOrigin`. Formatted when read. */
  origin: Origin | undefined = undefined
  /** What observers let travel with the task. */
  carrier: Record<string, string> | undefined = undefined
  #controller: AbortController | undefined = undefined

  take(options: PostOptions): void {
    this.name = options.name
    this.transfer = options.transfer && [...options.transfer]
    this.onProgress = options.onProgress
    this.timeout = options.timeout
    this.queueTimeout = options.queueTimeout
  }

  forget(): void {
    this.transfer = undefined
    this.onProgress = undefined
    this.progressScope = undefined
    this.poster = undefined
    this.edges = undefined
  }

  addWait(wait: AbortableWait): void {
    this.waits ??= new Set()
    this.waits.add(wait)
  }

  /** Made when first read: a controller with a signal costs microseconds and hundreds of bytes. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.aborted) this.#controller.abort(this.abortReason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.aborted = true
    this.abortReason = reason
    const controller = this.#controller
    if (controller !== undefined) callBack(() => controller.abort(reason))
    for (const wait of this.waits ?? []) if (!wait.onAbort(reason)) this.waits?.delete(wait)
  }
}
