import type {
  Observer,
  QueueDepthEvent,
  RejectionReason,
  StallEvent,
  TaskErrorEvent,
  TaskEvent,
  TaskFinishedEvent,
  TaskRejectedEvent,
} from './observer.ts'
import { postedFrom } from './origin.ts'
import { PostedEvent } from './posted-event.ts'
import { StartedEvent } from './started-event.ts'
import { failed, type RecordState, succeeded, type TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** Where to send what nobody waits for. */
export interface HookOptions {
  /** A posted task failed (F2). Default: printed to stderr. */
  onTaskError?: ((event: TaskErrorEvent) => void) | undefined
  /** A posted task was not accepted, or dropped before its start (W4, W7, Q1). Default: printed to stderr. */
  onTaskRejected?: ((event: TaskRejectedEvent) => void) | undefined
  /** A task runs longer than `stallWarningMs`. Default: printed to stderr. */
  onStall?: ((event: StallEvent) => void) | undefined
  /** One, or several, that see every event of the pool. */
  observer?: Observer | readonly Observer[] | undefined
}

const describe = (event: TaskEvent): string => `[posttask] task "${event.name}" on runner "${event.runner.name}"`

const site = (origin: string | undefined): string[] => (origin === undefined ? [] : [`\nposted from\n${origin}`])

const printError = (event: TaskErrorEvent): void => {
  console.error(`${describe(event)} failed:`, event.error, ...site(event.origin))
}

const printStall = (event: StallEvent): void => {
  const { runMs, waiting, origin } = event
  console.error(`${describe(event)} runs for ${Math.round(runMs)} ms now; waiting in its runner: ${waiting}`, ...site(origin))
}

const printRejection = (event: TaskRejectedEvent): void => {
  console.error(`${describe(event)} will not run: ${event.error.message}`)
}

const outcomeOf = (state: RecordState): TaskFinishedEvent['outcome'] =>
  state === succeeded ? 'succeeded' : state === failed ? 'failed' : 'cancelled'

type Listeners = { readonly [Method in keyof Required<Observer>]: readonly Observer[] }

const listenersOf = (observers: readonly Observer[]): Listeners => {
  const having = (method: keyof Observer): readonly Observer[] => observers.filter((one) => one[method] !== undefined)
  return {
    onPosted: having('onPosted'),
    onStarted: having('onStarted'),
    onRun: having('onRun'),
    onFinished: having('onFinished'),
    onRejected: having('onRejected'),
    onQueueDepth: having('onQueueDepth'),
    onRunnerOpened: having('onRunnerOpened'),
    onRunnerClosed: having('onRunnerClosed'),
  }
}

const printHookError = (error: unknown): void => {
  console.error('[posttask] a hook threw:', error)
}

/**
 * Calls the hooks of a pool. One that throws is printed, and harms nothing else (F3). What is called for each task makes
 * no closure, which would cost more than the call.
 */
export class Hooks {
  /** False where no observer wants to know of every task: the pool then builds no event. */
  observed = false
  /** True where an observer has something to put around each task. */
  surrounds = false
  readonly #onTaskError: (event: TaskErrorEvent) => void
  readonly #onTaskRejected: (event: TaskRejectedEvent) => void
  readonly #onStall: (event: StallEvent) => void
  readonly #observers: Observer[] = []
  /** Who has which method. Never changed, but replaced: an observer may add or take out others. */
  #listeners = listenersOf([])

  constructor(options: HookOptions) {
    this.#onTaskError = options.onTaskError ?? printError
    this.#onTaskRejected = options.onTaskRejected ?? printRejection
    this.#onStall = options.onStall ?? printStall
    const observers = options.observer ?? []
    for (const observer of Array.isArray(observers) ? observers : [observers]) this.add(observer)
  }

  add(observer: Observer): Disposable {
    this.#observers.push(observer)
    this.#update()
    return {
      [Symbol.dispose]: () => {
        const index = this.#observers.indexOf(observer)
        if (index !== -1) this.#observers.splice(index, 1)
        this.#update()
      },
    }
  }

  failed(record: TaskRecord, error: unknown): void {
    const origin = postedFrom(record)
    this.#call(() => this.#onTaskError({ ...eventOf(record), error, origin }))
  }

  stalled(record: TaskRecord, runMs: number): void {
    const waiting = record.runner.waiting.size
    this.#call(() => this.#onStall({ ...eventOf(record), runMs, waiting, origin: postedFrom(record) }))
  }

  /** `isReported` is false where the poster's own promise tells. */
  rejected(record: TaskRecord, reason: RejectionReason, error: Error, isReported: boolean): void {
    const event = { ...eventOf(record), reason, error }
    if (isReported) this.#call(() => this.#onTaskRejected(event))
    for (const observer of this.#listeners.onRejected) this.#call(() => observer.onRejected?.(event))
  }

  /** An error in a worker while no task ran there: nobody's outcome. */
  stray(executor: string, error: unknown): void {
    console.error(`[posttask] executor "${executor}": an error outside of any task:`, error)
  }

  posted(record: TaskRecord, isDelayed: boolean): void {
    const { onPosted } = this.#listeners
    if (onPosted.length === 0) return
    const event = new PostedEvent(record, isDelayed)
    for (const observer of onPosted) {
      try {
        observer.onPosted?.(event)
      } catch (error) {
        printHookError(error)
      }
    }
  }

  started(record: TaskRecord): void {
    const { onStarted } = this.#listeners
    if (onStarted.length === 0) return
    const event = new StartedEvent(record)
    for (const observer of onStarted) {
      try {
        observer.onStarted?.(event)
      } catch (error) {
        printHookError(error)
      }
    }
  }

  finished(record: TaskRecord, state: RecordState, value: unknown, waitMs: number, runMs: number): void {
    const { onFinished } = this.#listeners
    if (onFinished.length === 0) return
    // Not by spreading another event, which would cost a microsecond.
    const event: TaskFinishedEvent = {
      runner: record.runner,
      task: record,
      name: record.name,
      priority: record.priority,
      outcome: outcomeOf(state),
      error: state === succeeded ? undefined : value,
      waitMs,
      runMs,
      thread: record.thread,
    }
    for (const observer of onFinished) {
      try {
        observer.onFinished?.(event)
      } catch (error) {
        printHookError(error)
      }
    }
  }

  runnerOpened(runner: TaskRunner): void {
    for (const observer of this.#listeners.onRunnerOpened) this.#call(() => observer.onRunnerOpened?.({ runner }))
  }

  runnerClosed(runner: TaskRunner): void {
    for (const observer of this.#listeners.onRunnerClosed) this.#call(() => observer.onRunnerClosed?.({ runner }))
  }

  queueDepth(runner: TaskRunner, depth: number): void {
    const { onQueueDepth } = this.#listeners
    if (onQueueDepth.length === 0) return
    const event: QueueDepthEvent = { runner, depth }
    for (const observer of onQueueDepth) {
      try {
        observer.onQueueDepth?.(event)
      } catch (error) {
        printHookError(error)
      }
    }
  }

  /** Runs code of the user's that belongs to no task's outcome. */
  guard(record: TaskRecord, what: string, body: () => void): void {
    try {
      body()
    } catch (error) {
      console.error(`[posttask] ${what} of task "${record.name}" on runner "${record.runner.name}" threw:`, error)
    }
  }

  /** Calls `run` with what the observers put around it, and gives its outcome: no observer can lose or change it. */
  around(record: TaskRecord, run: () => unknown): unknown {
    let hasRun = false
    let hasThrown = false
    let outcome: unknown
    const once = (): void => {
      if (hasRun) return
      hasRun = true
      try {
        outcome = run()
      } catch (error) {
        hasThrown = true
        outcome = error
      }
    }
    const event = eventOf(record)
    const wrapped = this.#listeners.onRun.reduceRight((inner, observer) => this.#wrap(observer, event, inner), once)
    wrapped()
    if (hasThrown) throw outcome
    return outcome
  }

  #wrap(observer: Observer, event: TaskEvent, inner: () => void): () => void {
    let isCalled = false
    return () => {
      if (isCalled) return
      isCalled = true
      this.#call(() => observer.onRun?.(event, inner))
      inner()
    }
  }

  #update(): void {
    this.#listeners = listenersOf(this.#observers)
    const { onPosted, onStarted, onFinished, onQueueDepth, onRun } = this.#listeners
    this.surrounds = onRun.length > 0
    this.observed = onPosted.length + onStarted.length + onFinished.length + onQueueDepth.length > 0
  }

  #call(hook: () => void): void {
    try {
      hook()
    } catch (error) {
      printHookError(error)
    }
  }
}

const eventOf = (record: TaskRecord): TaskEvent => ({
  runner: record.runner,
  task: record,
  name: record.name,
  priority: record.priority,
})
