import type { TaskHandle, TaskPriority } from './task.ts'
import type { TaskRunner } from './task-runner.ts'

/** What every event of a task tells. */
export interface TaskEvent {
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
}

/** A task joined the queue of its runner; a delayed one when its delay has passed (D1). */
export interface TaskPostedEvent extends TaskEvent {
  /** The task that posted it, as far as the current task is known. Of a reply, the task that it replies to (F7). */
  readonly poster: TaskHandle | undefined
  readonly isReply: boolean
  /** It had a delay, or is a tick of a repeating task: this is told when it is due, in nobody's async context. */
  readonly isDelayed: boolean
  /** The stack of the post, with `traceOrigin: true`. Made when it is read. */
  readonly origin: string | undefined
}

/** A task starts: it has its slot, and is about to be called or sent to its thread. */
export interface TaskStartedEvent extends TaskEvent {
  /** It had a delay, or is a tick of a repeating task. */
  readonly isDelayed: boolean
  /** 1; more if the task was lost with its thread before its turn there, and starts again (F5). */
  readonly startNumber: number
  /**
   * Lets a text travel with the task, into its thread if it has one: there `taskContext().carrier` holds it. For what a
   * tracer calls propagation, such as a `traceparent`. From the first call on, tasks of the pool travel to threads one by one.
   */
  carry(key: string, value: string): void
}

/** A task ended. With `TaskRejectedEvent`, exactly one for each task. */
export interface TaskFinishedEvent extends TaskEvent {
  readonly outcome: 'succeeded' | 'failed' | 'cancelled'
  /** False where it was cancelled before its start. */
  readonly hasStarted: boolean
  /** What it failed with, or why it was cancelled or dropped. */
  readonly error: unknown
  /** From joining the queue to the start, in ms; all of it where the task never started. */
  readonly waitMs: number
  /** From the start to the outcome, in ms; 0 where the task never started. */
  readonly runMs: number
  /** The id of the thread that ran it; undefined on this event loop, and where the executor does not tell. */
  readonly thread: number | undefined
}

/** Why a task was not accepted, or dropped before its start. */
export type RejectionReason =
  | 'runner-closed'
  | 'pool-closed'
  | 'queue-full'
  | 'dropped-newest'
  | 'dropped-oldest'
  | 'deadlock'
  | 'shutdown'

/** A task was not accepted, or dropped before its start (W4, W7, Q1). */
export interface TaskRejectedEvent extends TaskEvent {
  readonly reason: RejectionReason
  readonly error: Error
}

/** A posted task failed, and nobody waits for its outcome (F2). */
export interface TaskErrorEvent extends TaskEvent {
  readonly error: unknown
  /** The stack of the post, with `traceOrigin: true`. */
  readonly origin: string | undefined
}

/**
 * An error on a thread that is no task's: code that an ended task left behind threw it, or the thread ended while nothing ran
 * there. The thread, or the next one in its place, goes on with the queue (F5).
 */
export interface StrayErrorEvent {
  /** The name of the pool. */
  readonly pool: string
  /** The name of its executor. */
  readonly executor: string
  /** A copy of what was thrown; a `WorkerCrashedError` if the thread ended. */
  readonly error: unknown
}

/** A task runs longer than the `stallWarningMs` of its pool. Told once for each, and late where it holds the event loop. */
export interface StallEvent extends TaskEvent {
  /** How long it has been running, in ms. */
  readonly runMs: number
  /** How many tasks wait in its runner. */
  readonly waiting: number
  /** What it has asked for and not got yet, in words: `run db/query` (W3). Empty if that is not known. */
  readonly waitsFor: readonly string[]
  /**
   * The tasks in a cycle, each of which has asked for the next one. They are deadlocked if they await that, which is not
   * always known: what is certain was refused (W3). Undefined if there is no cycle.
   */
  readonly cycle: readonly string[] | undefined
  /** The stack of the post, with `traceOrigin: true`. */
  readonly origin: string | undefined
}

/** The number of tasks that wait in a runner changed. */
export interface QueueDepthEvent {
  readonly runner: TaskRunner
  readonly depth: number
}

/** A runner came or went. */
export interface RunnerEvent {
  readonly runner: TaskRunner
}

/**
 * Sees what happens in a pool, every runner and every backend alike. All methods are optional, are called
 * synchronously and must return quickly. One that throws is reported and harms nothing else (F3). What `onStarted`, `onRun`
 * and `onFinished` are told of a run is one object, complete at its end. Times are measured, and tasks cost something,
 * while an observer has one of those, `onPosted` or `onQueueDepth`.
 */
export interface Observer {
  onPosted?(event: TaskPostedEvent): void
  /**
   * Of tasks that travel to a thread in one message only the first is reported before its start. The start of each other one
   * is reported when those before it are known to have ended, by when it may have ended itself.
   */
  onStarted?(event: TaskStartedEvent): void
  /**
   * Called in place of the synchronous part of each task, in its async context: calls `run`, once, perhaps with
   * something around it that its continuations should see (a store of an `AsyncLocalStorage`). `run` never throws. A task
   * whose `run` was not called runs all the same. Tasks that go to a thread in a batch have no such part.
   */
  onRun?(event: TaskStartedEvent, run: () => void): void
  onFinished?(event: TaskFinishedEvent): void
  onRejected?(event: TaskRejectedEvent): void
  onQueueDepth?(event: QueueDepthEvent): void
  /** A runner was made. */
  onRunnerOpened?(event: RunnerEvent): void
  /** A runner is closed, and nothing of it runs any more: its statistics are final (W5). */
  onRunnerClosed?(event: RunnerEvent): void
}
