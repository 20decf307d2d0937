import {
  QueueFullError,
  RunnerClosedError,
  type RunnerKind,
  SequenceDeadlockError,
  SequencedTaskRunner,
  type TaskContext,
  type TaskHandle,
  type TaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { type HandlerEntries, HandlerEntry, type Subscription } from './subscription.ts'

/** What is called with an event, on the sequence of its bus. Async ones are waited for before the next handler starts. */
export type EventHandler<Event> = (event: Event, context: TaskContext) => unknown

/** What `publish` takes for an event of type `Event`: nothing, where the event says nothing. */
export type Publication<Event> = undefined extends Event ? [event?: Event] : [event: Event]

/** Options of a bus that makes its own runner. */
export interface EventBusOptions {
  /** Shown in errors, hooks and statistics. Default: that of its runner. */
  readonly name?: string | undefined
}

/** Options of `subscribe` and `once`. */
export interface SubscribeOptions {
  /** Shown in errors and hooks, beside the type of the event. Default: the function's name. */
  readonly name?: string | undefined
  /** Unsubscribes when it fires. */
  readonly signal?: AbortSignal | undefined
}

const open = 0
/** Takes events of tasks of its runner only (W5). */
const closing = 1
/** Takes nothing, and calls no handler (W4). */
const shut = 2

const sequences: readonly RunnerKind[] = ['sequenced', 'single-thread']

const ignore = (): void => {}

/**
 * Typed events on a sequence. Each call of a handler is a task of the bus's runner: calls never overlap (S2), go by the
 * order of publishing and then by that of subscribing, and one that fails is reported as a failed task (F2) and harms no
 * other. They run in the async context of the publisher (E4).
 *
 * @example
 * ```ts
 * interface Events { saved: { path: string }; closed: undefined }
 * const bus = new EventBus<Events>(pool, { name: 'documents' })
 * const subscription = bus.subscribe('saved', ({ path }) => console.log(path))
 * await bus.publish('saved', { path: 'a.txt' })
 * subscription.unsubscribe()
 * ```
 */
export class EventBus<Events extends object> implements AsyncDisposable {
  readonly name: string
  /** Where the handlers run. */
  readonly runner: TaskRunner
  readonly #ownsRunner: boolean
  readonly #entries: HandlerEntries<EventHandler<never>> = new Map()
  #state: typeof open | typeof closing | typeof shut = open
  /** How many events were taken so far: tells a close whether there were more while it waited. */
  #published = 0

  /**
   * With a pool, the bus makes a sequenced runner of its own, and closes it. With a runner, it borrows that one, and
   * leaves it as it is.
   * @throws TypeError for a runner that is no sequence
   */
  constructor(place: ThreadPool | TaskRunner, options: EventBusOptions = {}) {
    this.#ownsRunner = !isRunner(place)
    this.runner = isRunner(place) ? place : new SequencedTaskRunner(place, { name: options.name })
    if (!sequences.includes(this.runner.kind))
      throw new TypeError(`an event bus needs a sequence; runner "${this.runner.name}" is ${this.runner.kind}`)
    this.name = options.name ?? this.runner.name
  }

  /** True once `close` or `shutdown` was called, here or on the runner. */
  get isClosed(): boolean {
    return this.#state !== open || this.runner.isClosed
  }

  /** How many handlers there are for a type. */
  handlerCount(type: keyof Events): number {
    return this.#entries.get(type)?.size ?? 0
  }

  /**
   * Calls `handler` for each event of that type that is published from now on, until it is unsubscribed.
   * @throws TypeError for what is no function
   * @throws RunnerClosedError on a closed bus
   */
  subscribe<Type extends keyof Events>(
    type: Type,
    handler: EventHandler<Events[Type]>,
    options: SubscribeOptions = {},
  ): Subscription {
    return this.#add(type, handler, options, false)
  }

  /** As `subscribe`, for one event: of several that were published already, the first. */
  once<Type extends keyof Events>(type: Type, handler: EventHandler<Events[Type]>, options: SubscribeOptions = {}): Subscription {
    return this.#add(type, handler, options, true)
  }

  /**
   * Posts a call of each handler that is subscribed now, and returns before any of them starts (S3). Resolves when all
   * have settled, failed ones included; nobody has to wait for it. As with `run`, a bus that takes no events says so by the
   * promise: it rejects with `RunnerClosedError`, at once or when a shutdown drops the event, and with `QueueFullError`
   * if the runner was full and refused or dropped the call of a handler. A handler may publish to its own bus; the event goes to the end of the queue (S3). To wait for
   * it there would be to wait for oneself: who does gets `SequenceDeadlockError` (W3).
   */
  publish<Type extends keyof Events>(type: Type, ...[event]: Publication<Events[Type]>): Promise<void> {
    if (!this.#takesEvents) return Promise.reject(this.#closedError(`event "${String(type)}" was not published`))
    const entries = this.#entries.get(type)
    if (entries === undefined) return Promise.resolve()
    this.#published++
    const calls = [...entries].map((entry) =>
      this.runner.postTask((context) => entry.take()?.(event as never, context), { name: entry.name }),
    )
    // It stands behind the calls on their sequence: when its turn has come, they have settled (S2).
    const settled = this.runner.run(() => this.#checkDelivered(type, calls), { name: `${String(type)}: published` })
    // Who does not wait is told of calls that were dropped by the hooks of the pool (W4, W7).
    settled.catch(ignore)
    return settled
  }

  /**
   * No more events from outside. What was published is delivered, and so is what tasks of the runner publish meanwhile
   * (W5). Resolves when all of it is.
   * @throws SequenceDeadlockError (as a rejection) inside a task of the runner, which closes the bus all the same (W3)
   */
  close(): Promise<void> {
    if (this.#state === open) this.#state = closing
    const closed = this.#ownsRunner ? this.runner.close() : this.#drain()
    const ended = closed.then(() => this.#end())
    if (this.runner.isCurrent()) ended.catch(() => this.#endLater())
    return ended
  }

  /** No more events, and those that wait are dropped; a handler that runs finishes (W4). Never waits, twice is fine. */
  shutdown(): void {
    this.#end()
    if (this.#ownsRunner) this.runner.shutdown()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #takesEvents(): boolean {
    return !this.isClosed || (this.#state !== shut && this.runner.isCurrent())
  }

  #add<Type extends keyof Events>(
    type: Type,
    handler: EventHandler<Events[Type]>,
    options: SubscribeOptions,
    isOnce: boolean,
  ): Subscription {
    if (typeof handler !== 'function') throw new TypeError(`the handler of event "${String(type)}" must be a function`)
    if (!this.#takesEvents) throw this.#closedError(`no handler was subscribed to event "${String(type)}"`)
    const name = `${String(type)}: ${options.name ?? (handler.name || 'handler')}`
    return new HandlerEntry(handler as EventHandler<never>, name, isOnce, type, this.#entries, options.signal)
  }

  async #drain(): Promise<void> {
    let published: number
    try {
      do {
        published = this.#published
        await this.runner.flush()
      } while (published !== this.#published)
    } catch (error) {
      if (error instanceof SequenceDeadlockError || !this.runner.isClosed) throw error
      await this.runner.closed
    }
  }

  /** For a task of the runner, which must not wait for the end (W3). */
  async #endLater(): Promise<void> {
    const { closed, isClosed } = this.runner
    if (this.#ownsRunner || isClosed) await closed
    else {
      await Promise.race([turnOf(this.runner), closed])
      await this.#drain()
    }
    this.#end()
  }

  #end(): void {
    this.#state = shut
    for (const entries of this.#entries.values()) for (const entry of entries) entry.unsubscribe()
  }

  #checkDelivered(type: keyof Events, calls: readonly TaskHandle[]): void {
    if (this.#state === shut) throw this.#closedError(`event "${String(type)}" was dropped`)
    const dropped = calls.find(({ state }) => state === 'rejected')
    if (dropped !== undefined)
      throw new QueueFullError(
        `event "${String(type)}" did not reach handler "${dropped.name}": runner "${this.runner.name}" was full and dropped the call; raise its queueLimit`,
      )
  }

  #closedError(what: string): RunnerClosedError {
    return new RunnerClosedError(`${what}: event bus "${this.name}" is closed; check bus.isClosed`)
  }
}

const isRunner = (place: ThreadPool | TaskRunner): place is TaskRunner => 'postTask' in place

/** Resolves outside of what runs now. By a tick, which needs no place in a queue (Q1). */
const turnOf = (runner: TaskRunner): Promise<void> =>
  new Promise((resolve) => {
    const ticking = runner.postRepeatingTask(
      () => {
        ticking.stop()
        resolve()
      },
      0,
      { name: 'close an event bus' },
    )
  })
