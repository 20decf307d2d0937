import type { Clock } from './clock.ts'
import type { Task, TaskContext } from './task.ts'

/** What an executor can do. Tests skip by it, and nothing else; it is also documentation for users. */
export interface ExecutorCapabilities {
  /** What lies between poster and task. */
  readonly boundary: 'inline' | 'thread' | 'process' | 'remote'
  /** Values can be moved instead of copied. */
  readonly transfer: boolean
  /** A running task can be ended by force (C3). */
  readonly terminate: boolean
  /** A `SharedArrayBuffer` in an argument is shared with the task. */
  readonly sharedMemory: boolean
  /** The most tasks `executeBatch` takes; 1 where there is none. */
  readonly maxBatch: number
}

/** One task as its executor sees it: the context to run it with, and what must cross with it. */
export interface TaskExecution extends TaskContext {
  readonly transfer: readonly object[] | undefined
  /** False where nobody listens: progress need not cross. */
  readonly wantsProgress: boolean
  /** What observers let travel with the task. An executor with threads takes it there. */
  readonly carrier: Readonly<Record<string, string>> | undefined
  /** True once the task was cancelled; the reason is `abortReason`. Reading these makes no signal. */
  readonly aborted: boolean
  readonly abortReason: unknown
  /** Set by an executor that has threads, before or while the task runs: the id of the one that runs it. */
  thread?: number | undefined
  /**
   * Runs `body` as a synchronous part of the task: its current runner, its poster's async context. The pool calls
   * `execute` that way already; this is for a part that runs later (a module had to be loaded first).
   */
  enter<R>(body: () => R): R
}

/**
 * The outcome of one task of a batch, and how long it ran, in ms, as measured there: observers are told of its start and its
 * end by that. `lost` is a task that was never started, because the thread died before its turn: the pool runs it elsewhere.
 */
export type Settled =
  | { readonly status: 'fulfilled'; readonly value: unknown; readonly runMs?: number | undefined }
  | { readonly status: 'rejected'; readonly reason: unknown; readonly runMs?: number | undefined }
  | { readonly status: 'lost' }

/** One thread of its own (S4), for a `SingleThreadTaskRunner` or a `SequenceBound`. */
export interface ThreadExecutor<Accepts extends Task = Task> {
  /** As {@link Executor.execute}, always on this thread. */
  execute(task: Accepts, execution: TaskExecution): unknown
  /** As {@link Executor.abort}. */
  abort?(execution: TaskExecution): void
  /** Waits for what runs, then lets the thread go. */
  close(): Promise<void>
  /** Ends the thread at once. */
  terminate(): Promise<void>
}

/** What {@link Executor.openThread} is told. */
export interface ThreadOptions {
  readonly name: string
  /**
   * Called each time the thread and its state were lost, crashed or terminated, before the execution that it cut
   * short rejects. The next `execute` goes to a new thread.
   */
  onLost(error: Error): void
  /**
   * Called ahead of `onLost` for an execution whose task the thread had not started. True where the runner starts it
   * anew itself; the promise of this execution then never settles. Otherwise it rejects.
   */
  takeBack?(execution: TaskExecution): boolean
}

/**
 * The muscle: a holder of threads with a fixed number of slots. It has no queue; order, priority, limits, cancelling
 * what is queued and shutdown live in the pool. A backend package is an executor and nothing else.
 */
export interface Executor<Accepts extends Task = Task> {
  readonly name: string
  /** What it runs. Posting anything else is a `TypeError` at the call (F6). */
  readonly accepts: readonly ('closure' | 'bound')[]
  readonly clock: Clock
  /** Slots. The pool never has more unsettled calls of `execute` than this. */
  readonly maxConcurrency: number
  readonly capabilities: ExecutorCapabilities
  /**
   * Runs one task. Gives the value itself where it is there at once, else a promise. A slot is free again when that
   * promise settles, so it must not before the thread is really free. A user's error arrives as it is (or its
   * faithful copy, F1); everything else is one of the error classes of this package.
   */
  execute(task: Accepts, execution: TaskExecution): unknown
  /** The running task was cancelled (C2): tell it, and after the grace period end it by force (C3). */
  abort?(execution: TaskExecution): void
  /**
   * One message to one slot, where the tasks run one after the other; an outcome for each, in order. The pool takes the first
   * one as started, and another when those before it have ended. Where one of them takes long, `onSlow` is told at most once
   * what is known of each by then, undefined for that one: so nobody waits for it but who has to. Those that are lost by then
   * may run elsewhere at once.
   */
  executeBatch?(
    tasks: readonly Accepts[],
    executions: readonly TaskExecution[],
    onSlow?: (known: readonly (Settled | undefined)[]) => void,
  ): PromiseLike<readonly Settled[]>
  /** How long a task of this kind took of late, in ms; undefined where that is not known. Batches are made by it. */
  estimate?(task: Accepts): number | undefined
  /** One thread of its own, outside the slots. */
  openThread(options: ThreadOptions): ThreadExecutor<Accepts>
  /** Set by the pool: told of errors in a worker while no task ran there. */
  onStrayError?: ((error: unknown) => void) | undefined
  /** Warm: every slot started. */
  ready?(): Promise<void>
  /** Waits for what runs, then lets every thread go. Closed is final; more than once is fine. */
  close(): Promise<void>
  /** Ends every thread at once; what ran there rejects. */
  terminate(): Promise<void>
}
