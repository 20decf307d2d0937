import type { TaskRunner } from './task-runner.ts'

/**
 * How urgent a task is: what the user waits for, what the user will see, and what nobody waits for.
 * The levels are those of Chromium's `base::TaskPriority` and of the W3C prioritized task scheduling draft.
 */
export type TaskPriority = 'best-effort' | 'user-visible' | 'user-blocking'

/**
 * What `shutdown()` and `close()` do to a task (W4, W5, W8; Chromium's `base::TaskShutdownBehavior`):
 * `block-shutdown` is always run, `skip-on-shutdown` (the default) is run unless it was still queued at `shutdown()`,
 * `continue-on-shutdown` never holds a shutdown up.
 */
export type ShutdownBehavior = 'continue-on-shutdown' | 'skip-on-shutdown' | 'block-shutdown'

/** A task that is a function. It runs on the event loop that posted it. */
export type Closure<T = unknown> = (context: TaskContext) => T | PromiseLike<T>

declare const resultType: unique symbol

/**
 * A task that is plain data: an exported function of a module, and the arguments for it. Made by a stub of
 * `taskModule`. Being data it can run on the event loop, on a worker thread or on another machine.
 */
export interface BoundTask<T = unknown> {
  /** Absolute URL of the module. */
  readonly module: string
  /** Name of the exported function. */
  readonly export: string
  /** What the function is called with. On a thread each crosses by structured clone. */
  readonly args: readonly unknown[]
  /** Only for the compiler: the type of the result. */
  readonly [resultType]?: T
}

/** Whatever a runner may be given to run. */
export type Task<T = unknown> = Closure<T> | BoundTask<T>

/** The type of a task's result, promises unwrapped. */
export type TaskResult<Posted> = Posted extends (...args: never[]) => infer R
  ? Awaited<R>
  : Posted extends BoundTask<infer R>
    ? Awaited<R>
    : never

/**
 * Where a task is in its life. `cancelled` is the outcome of an abort, a `cancel()` or a time limit; `rejected` that of
 * a task that was never accepted, or dropped from the queue (full, closed).
 */
export type TaskState = 'delayed' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'rejected'

/** Options of every post. Times are milliseconds on the pool's clock. */
export interface PostOptions {
  /** Shown in errors, hooks and statistics. Default: the function's name. */
  name?: string | undefined
  /** Default: the runner's. */
  priority?: TaskPriority | undefined
  /** Default `skip-on-shutdown`. */
  shutdown?: ShutdownBehavior | undefined
  /** Cancels the task: before its start it never runs (C1), while it runs `context.signal` fires (C2). */
  signal?: AbortSignal | undefined
  /** Time limit for the run, counted from its start (C2). */
  timeout?: number | undefined
  /** Time limit for the wait, counted from the post, a delay not included (C1). */
  queueTimeout?: number | undefined
  /** What is moved to a thread instead of copied. Without meaning where nothing is copied (inline). */
  transfer?: readonly object[] | undefined
  /** Receives what the task passes to `context.progress`, in order, always before the outcome. */
  onProgress?: ((value: unknown) => void) | undefined
  /** A delayed or repeating task with `unref` does not keep the process alive (E3). */
  unref?: boolean | undefined
}

/** What a task is told of itself, and the waits that respect its runner. */
export interface TaskContext {
  readonly runner: TaskRunner
  readonly name: string
  readonly id: number
  readonly priority: TaskPriority
  /** Fires when the task is cancelled or its time limit passes (C2). Made when first read. */
  readonly signal: AbortSignal
  /** Waits on the pool's clock. Rejects with the signal's reason as soon as the signal fires. */
  sleep(ms: number): Promise<void>
  /** Lets more urgent work and the event loop in; the sequence stays taken (S2). */
  yield(): Promise<void>
  /** Reaches `PostOptions.onProgress` of the poster, from threads too. */
  progress(value: unknown): void
}

/** What a post returns: the task as its poster sees it. Two handles of one task need not be one object: compare `id`. */
export interface TaskHandle extends Disposable {
  readonly id: number
  readonly name: string
  readonly state: TaskState
  /**
   * Cancels the task (C1, C2). True where that had an effect: the task will not run, or its signal has fired.
   * Without a reason, who waits for the outcome gets a `TaskCancelledError`.
   */
  cancel(reason?: unknown): boolean
}
