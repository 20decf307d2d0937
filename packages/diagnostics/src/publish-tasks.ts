import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type {
  Observer,
  RejectionReason,
  RunnerEvent,
  Task,
  TaskEvent,
  TaskFinishedEvent,
  TaskHandle,
  TaskPostedEvent,
  TaskPriority,
  TaskRejectedEvent,
  TaskRunner,
  ThreadPool,
} from '@posttask/core'

/** What the five channels of a run publish: one object for each run. */
export interface TaskMessage {
  readonly pool: string
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
  /** From here on known at `asyncStart`. */
  outcome?: TaskFinishedEvent['outcome']
  error?: unknown
  /** Milliseconds in the queue, and from the start to the outcome. */
  waitMs?: number
  runMs?: number
  /** The id of the thread that ran it. */
  thread?: number | undefined
}

/** Published by `posttask.task:post`. */
export interface TaskPostMessage {
  readonly pool: string
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
  /** The task that posted it, and whether this is the reply to it. */
  readonly poster: TaskHandle | undefined
  readonly isReply: boolean
}

/** Published by `posttask.task:drop`: a task that will never run. */
export interface TaskDropMessage {
  readonly pool: string
  readonly runner: TaskRunner
  readonly task: TaskHandle
  readonly name: string
  readonly priority: TaskPriority
  readonly reason: RejectionReason | 'cancelled'
  readonly error: unknown
}

/** Published by `posttask.runner:create` and `posttask.runner:close`. */
export interface RunnerMessage {
  readonly pool: string
  readonly runner: TaskRunner
}

const runs: TracingChannel<unknown, object> = tracingChannel('posttask.task')
const posts: Channel = channel('posttask.task:post')
const drops: Channel = channel('posttask.task:drop')
const creations: Channel = channel('posttask.runner:create')
const closings: Channel = channel('posttask.runner:close')

/**
 * Publishes what happens in a pool on `node:diagnostics_channel`, by the conventions that tracers know:
 * `tracing:posttask.task:start`, `end`, `asyncStart`, `asyncEnd` and `error` for each run, with one message object, as
 * `TracingChannel.tracePromise` would; `posttask.task:post` and `posttask.task:drop`; `posttask.runner:create` and
 * `posttask.runner:close`. A store bound to `start` is seen by the task and its continuations. Disposing what it returns
 * ends it.
 */
export const publishTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>): Disposable => {
  const publisher = new Publisher(pool.name)
  for (const runner of pool.runners) publisher.onRunnerOpened({ runner })
  return pool.addObserver(publisher)
}

class Publisher implements Observer {
  readonly #pool: string
  readonly #messages = new WeakMap<TaskHandle, TaskMessage>()

  constructor(pool: string) {
    this.#pool = pool
  }

  onPosted({ runner, task, name, priority, poster, isReply }: TaskPostedEvent): void {
    if (!posts.hasSubscribers) return
    posts.publish({ pool: this.#pool, runner, task, name, priority, poster, isReply } satisfies TaskPostMessage)
  }

  onRun({ runner, task, name, priority }: TaskEvent, run: () => void): void {
    if (!hasSubscribers(runs)) {
      run()
      return
    }
    const message: TaskMessage = { pool: this.#pool, runner, task, name, priority }
    this.#messages.set(task, message)
    runs.start.runStores(message, run)
    runs.end.publish(message)
  }

  onFinished({ runner, task, name, priority, outcome, error, waitMs, runMs, thread }: TaskFinishedEvent): void {
    const message = this.#messages.get(task)
    this.#messages.delete(task)
    if (message !== undefined) this.#publishEnd(Object.assign(message, { outcome, waitMs, runMs, thread }), error)
    else if (outcome === 'cancelled' && runMs === 0) {
      this.#drop({ pool: this.#pool, runner, task, name, priority, reason: 'cancelled', error })
    }
  }

  onRejected({ runner, task, name, priority, reason, error }: TaskRejectedEvent): void {
    this.#drop({ pool: this.#pool, runner, task, name, priority, reason, error })
  }

  onRunnerOpened({ runner }: RunnerEvent): void {
    if (creations.hasSubscribers) creations.publish({ pool: this.#pool, runner } satisfies RunnerMessage)
  }

  onRunnerClosed({ runner }: RunnerEvent): void {
    if (closings.hasSubscribers) closings.publish({ pool: this.#pool, runner } satisfies RunnerMessage)
  }

  #publishEnd(message: TaskMessage, error: unknown): void {
    if (message.outcome !== 'succeeded') {
      message.error = error
      runs.error.publish(message)
    }
    runs.asyncStart.publish(message)
    runs.asyncEnd.publish(message)
  }

  #drop(message: TaskDropMessage): void {
    if (drops.hasSubscribers) drops.publish(message)
  }
}

/** `TracingChannel.hasSubscribers` itself came with Node 20.13, and is not in every set of types. */
const hasSubscribers = ({ start, end, asyncStart, asyncEnd, error }: TracingChannel<unknown, object>): boolean =>
  start.hasSubscribers || end.hasSubscribers || asyncStart.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers
