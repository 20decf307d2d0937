import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type {
  Observer,
  RejectionReason,
  Task,
  TaskEvent,
  TaskFinishedEvent,
  TaskHandle,
  TaskPostedEvent,
  TaskPriority,
  TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { SubscriberWatch } from './subscriber-watch.ts'

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

const ofRuns: readonly Channel[] = [runs.start, runs.end, runs.asyncStart, runs.asyncEnd, runs.error]
/** `TracingChannel.hasSubscribers` itself came with Node 20.13, and is not in every set of types. */
const runsHaveSubscribers = (): boolean => ofRuns.some((one) => one.hasSubscribers)
const ofTasks = new SubscriberWatch([...ofRuns, posts, drops])

/**
 * Publishes what happens in a pool on `node:diagnostics_channel`, by the conventions that tracers know:
 * `tracing:posttask.task:start`, `end`, `asyncStart`, `asyncEnd` and `error` for each run, with one message object, as
 * `TracingChannel.tracePromise` would; `posttask.task:post` and `posttask.task:drop`; `posttask.runner:create` and
 * `posttask.runner:close`. A store bound to `start` is seen by the task and its continuations. While nobody listens, a task
 * costs nothing more; of what was posted before, no more than its runs is told. Disposing what it returns ends it.
 */
export const publishTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>): Disposable => {
  const name = pool.name
  for (const runner of pool.runners) publishRunner(creations, name, runner)
  const ofRunners = pool.addObserver({
    onRunnerOpened: ({ runner }) => publishRunner(creations, name, runner),
    onRunnerClosed: ({ runner }) => publishRunner(closings, name, runner),
    onRejected: ({ runner, task, name: taskName, priority, reason, error }) => {
      if (drops.hasSubscribers) publishDrop({ pool: name, runner, task, name: taskName, priority, reason, error })
    },
  })
  let publishing: Disposable | undefined
  const update = (): void => {
    if (ofTasks.hasSubscribers) publishing ??= pool.addObserver(new Publisher(name))
    else {
      publishing?.[Symbol.dispose]()
      publishing = undefined
    }
  }
  const watching = ofTasks.onChange(update)
  update()
  return {
    [Symbol.dispose]: () => {
      watching[Symbol.dispose]()
      publishing?.[Symbol.dispose]()
      ofRunners[Symbol.dispose]()
    },
  }
}

const publishRunner = (to: Channel, pool: string, runner: TaskRunner): void => {
  if (to.hasSubscribers) to.publish({ pool, runner } satisfies RunnerMessage)
}

const publishDrop = (message: TaskDropMessage): void => drops.publish(message)

/** Observes the tasks of a pool while somebody listens. */
class Publisher implements Observer {
  readonly #pool: string
  /** Of the tasks that run, by their ids: a weak map of them would cost more than the rest of this. */
  readonly #messages = new Map<number, TaskMessage>()
  /** Whether a task that was posted earlier has started is not known here. */
  #firstId = Number.POSITIVE_INFINITY

  constructor(pool: string) {
    this.#pool = pool
  }

  onPosted({ runner, task, name, priority, poster, isReply }: TaskPostedEvent): void {
    if (task.id < this.#firstId) this.#firstId = task.id
    if (!posts.hasSubscribers) return
    posts.publish({ pool: this.#pool, runner, task, name, priority, poster, isReply } satisfies TaskPostMessage)
  }

  onRun({ runner, task, name, priority }: TaskEvent, run: () => void): void {
    if (!runsHaveSubscribers()) {
      run()
      return
    }
    const message: TaskMessage = { pool: this.#pool, runner, task, name, priority }
    this.#messages.set(task.id, message)
    runs.start.runStores(message, run)
    runs.end.publish(message)
  }

  onFinished({ runner, task, name, priority, outcome, error, waitMs, runMs, thread }: TaskFinishedEvent): void {
    const message = this.#messages.get(task.id)
    if (message !== undefined) {
      this.#messages.delete(task.id)
      message.outcome = outcome
      message.waitMs = waitMs
      message.runMs = runMs
      message.thread = thread
      this.#publishEnd(message, error)
    } else if (outcome === 'cancelled' && runMs === 0 && task.id >= this.#firstId && drops.hasSubscribers) {
      publishDrop({ pool: this.#pool, runner, task, name, priority, reason: 'cancelled', error })
    }
  }

  #publishEnd(message: TaskMessage, error: unknown): void {
    if (message.outcome !== 'succeeded') {
      message.error = error
      runs.error.publish(message)
    }
    runs.asyncStart.publish(message)
    runs.asyncEnd.publish(message)
  }
}
