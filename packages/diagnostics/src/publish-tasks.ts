import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type {
  Observer,
  RejectionReason,
  Task,
  TaskEvent,
  TaskFinishedEvent,
  TaskHandle,
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
  outcome: TaskFinishedEvent['outcome'] | undefined
  /** Milliseconds in the queue, and from the start to the outcome. */
  waitMs: number | undefined
  runMs: number | undefined
  /** The id of the thread that ran it. */
  thread: number | undefined
  /** Only of a task that failed or was cancelled, and known at `error`. */
  error?: unknown
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

const ofRuns = new SubscriberWatch([runs.start, runs.end, runs.asyncStart, runs.asyncEnd, runs.error])
const ofPosts = new SubscriberWatch([posts])
const ofDrops = new SubscriberWatch([drops])

/**
 * Publishes what happens in a pool on `node:diagnostics_channel`, by the conventions that tracers know:
 * `tracing:posttask.task:start`, `end`, `asyncStart`, `asyncEnd` and `error` for each run, with one message object, as
 * `TracingChannel.tracePromise` would; `posttask.task:post` and `posttask.task:drop`; `posttask.runner:create` and
 * `posttask.runner:close`. A store bound to `start` is seen by the task and its continuations. While nobody listens, a task
 * costs nothing more. Disposing what it returns ends it.
 */
export const publishTasks = <Accepts extends Task>(pool: ThreadPool<Accepts>): Disposable => {
  const name = pool.name
  for (const runner of pool.runners) publishRunner(creations, name, runner)
  const publishing = [
    pool.addObserver({
      onRunnerOpened: ({ runner }) => publishRunner(creations, name, runner),
      onRunnerClosed: ({ runner }) => publishRunner(closings, name, runner),
    }),
    observeWhileHeard(pool, ofPosts, () => publishPosts(name)),
    observeWhileHeard(pool, ofRuns, () => new RunPublisher(name)),
    observeWhileHeard(pool, ofDrops, () => publishDrops(name)),
  ]
  return {
    [Symbol.dispose]: () => {
      for (const one of publishing) one[Symbol.dispose]()
    },
  }
}

const publishRunner = (to: Channel, pool: string, runner: TaskRunner): void => {
  if (to.hasSubscribers) to.publish({ pool, runner } satisfies RunnerMessage)
}

/** Observes a pool while somebody listens on those channels. */
const observeWhileHeard = (pool: ThreadPool<never>, channels: SubscriberWatch, make: () => Observer): Disposable => {
  let observing: Disposable | undefined
  const end = (): void => {
    observing?.[Symbol.dispose]()
    observing = undefined
  }
  const update = (): void => {
    if (channels.hasSubscribers) observing ??= pool.addObserver(make())
    else end()
  }
  const watching = channels.onChange(update)
  update()
  return {
    [Symbol.dispose]: () => {
      watching[Symbol.dispose]()
      end()
    },
  }
}

const publishPosts = (pool: string): Observer => ({
  onPosted: ({ runner, task, name, priority, poster, isReply }) => {
    posts.publish({ pool, runner, task, name, priority, poster, isReply } satisfies TaskPostMessage)
  },
})

const publishDrops = (pool: string): Observer => ({
  onFinished: ({ runner, task, name, priority, hasStarted, error }) => {
    if (!hasStarted) publishDrop({ pool, runner, task, name, priority, reason: 'cancelled', error })
  },
  onRejected: ({ runner, task, name, priority, reason, error }) => {
    publishDrop({ pool, runner, task, name, priority, reason, error })
  },
})

const publishDrop = (message: TaskDropMessage): void => drops.publish(message)

class RunPublisher implements Observer {
  readonly #pool: string
  /** Of the run that started last: it is usually over before the next one starts. */
  #latest: TaskMessage | undefined
  /** Of the others that go on, by the ids of their tasks: a weak map of them would cost more than the rest of this. */
  readonly #messages = new Map<number, TaskMessage>()

  constructor(pool: string) {
    this.#pool = pool
  }

  onRun({ runner, task, name, priority }: TaskEvent, run: () => void): void {
    // All of it at once: to add to an object later costs more than to make it.
    const message: TaskMessage = {
      pool: this.#pool,
      runner,
      task,
      name,
      priority,
      outcome: undefined,
      waitMs: undefined,
      runMs: undefined,
      thread: undefined,
    }
    if (this.#latest !== undefined) this.#messages.set(this.#latest.task.id, this.#latest)
    this.#latest = message
    runs.start.runStores(message, run)
    runs.end.publish(message)
  }

  onFinished({ task, outcome, error, waitMs, runMs, thread }: TaskFinishedEvent): void {
    const message = this.#take(task)
    if (message === undefined) return
    message.outcome = outcome
    message.waitMs = waitMs
    message.runMs = runMs
    message.thread = thread
    if (outcome !== 'succeeded') {
      message.error = error
      runs.error.publish(message)
    }
    runs.asyncStart.publish(message)
    runs.asyncEnd.publish(message)
  }

  #take(task: TaskHandle): TaskMessage | undefined {
    const latest = this.#latest
    if (latest?.task === task) {
      this.#latest = undefined
      return latest
    }
    const message = this.#messages.get(task.id)
    this.#messages.delete(task.id)
    return message
  }
}
