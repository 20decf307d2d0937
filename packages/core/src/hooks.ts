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
import { currentPoster } from './poster.ts'
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

const taskMethods = ['onPosted', 'onStarted', 'onFinished', 'onQueueDepth'] as const

/** Calls the hooks of a pool. One that throws is printed, and harms nothing else (F3). */
export class Hooks {
  /** False where no observer wants to know of every task: the pool then builds no event. */
  observed = false
  /** True where an observer has something to put around each task. */
  surrounds = false
  readonly #onTaskError: (event: TaskErrorEvent) => void
  readonly #onTaskRejected: (event: TaskRejectedEvent) => void
  readonly #onStall: (event: StallEvent) => void
  readonly #observers: Observer[] = []

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
    this.#each((observer) => observer.onRejected?.(event))
  }

  /** An error in a worker while no task ran there: nobody's outcome. */
  stray(executor: string, error: unknown): void {
    console.error(`[posttask] executor "${executor}": an error outside of any task:`, error)
  }

  posted(record: TaskRecord, isDelayed: boolean): void {
    const { poster, isReply } = currentPoster()
    const event = {
      ...eventOf(record),
      poster: record.extras?.poster ?? poster,
      isReply,
      isDelayed,
      get origin() {
        return postedFrom(record)
      },
    }
    this.#each((observer) => observer.onPosted?.(event))
  }

  started(record: TaskRecord): void {
    const event = eventOf(record)
    this.#each((observer) => observer.onStarted?.(event))
  }

  finished(record: TaskRecord, state: RecordState, value: unknown, waitMs: number, runMs: number): void {
    const error = state === succeeded ? undefined : value
    const event: TaskFinishedEvent = {
      ...eventOf(record),
      outcome: outcomeOf(state),
      error,
      waitMs,
      runMs,
      thread: record.thread,
    }
    this.#each((observer) => observer.onFinished?.(event))
  }

  runnerOpened(runner: TaskRunner): void {
    this.#each((observer) => observer.onRunnerOpened?.({ runner }))
  }

  runnerClosed(runner: TaskRunner): void {
    this.#each((observer) => observer.onRunnerClosed?.({ runner }))
  }

  queueDepth(event: QueueDepthEvent): void {
    this.#each((observer) => observer.onQueueDepth?.(event))
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
    let outcome: (() => unknown) | undefined
    const once = (): void => {
      if (outcome !== undefined) return
      outcome = () => undefined
      try {
        const value = run()
        outcome = () => value
      } catch (error) {
        outcome = () => {
          throw error
        }
      }
    }
    const event = eventOf(record)
    const wrapped = this.#observers.reduceRight((inner, observer) => {
      if (observer.onRun === undefined) return inner
      let isCalled = false
      return () => {
        if (isCalled) return
        isCalled = true
        this.#call(() => observer.onRun?.(event, inner))
        inner()
      }
    }, once)
    wrapped()
    return outcome?.()
  }

  #update(): void {
    this.surrounds = this.#observers.some((one) => one.onRun !== undefined)
    this.observed = this.#observers.some((one) => taskMethods.some((method) => one[method] !== undefined))
  }

  #each(tell: (observer: Observer) => void): void {
    for (const observer of [...this.#observers]) this.#call(() => tell(observer))
  }

  #call(hook: () => void): void {
    try {
      hook()
    } catch (error) {
      console.error('[posttask] a hook threw:', error)
    }
  }
}

const eventOf = (record: TaskRecord): TaskEvent => ({
  runner: record.runner,
  task: record,
  name: record.name,
  priority: record.priority,
})
