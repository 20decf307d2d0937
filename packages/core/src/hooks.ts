import { callBack } from './callbacks.ts'
import type {
  Observer,
  QueueDepthEvent,
  RejectionReason,
  RunnerEvent,
  StallEvent,
  StrayErrorEvent,
  TaskErrorEvent,
  TaskEvent,
  TaskFinishedEvent,
  TaskPostedEvent,
  TaskRejectedEvent,
  TaskStartedEvent,
} from './observer.ts'
import { postedFrom } from './origin.ts'
import { PostedEvent } from './posted-event.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRun } from './task-run.ts'
import type { TaskRunner } from './task-runner.ts'
import { edgesOf } from './wait-edge.ts'
import { firstCycle } from './wait-graph.ts'

/** Where to send what nobody waits for. */
export interface HookOptions {
  /** A posted task failed (F2). Default: printed to stderr. */
  onTaskError?: ((event: TaskErrorEvent) => void) | undefined
  /** A posted task was not accepted, or dropped before its start (W4, W7, Q1). Default: printed to stderr. */
  onTaskRejected?: ((event: TaskRejectedEvent) => void) | undefined
  /** A task runs longer than `stallWarningMs`. Default: printed to stderr. */
  onStall?: ((event: StallEvent) => void) | undefined
  /**
   * An error on a thread that is no task's (F5): thrown by code that an ended task left behind, say. Default: printed to
   * stderr.
   */
  onStrayError?: ((event: StrayErrorEvent) => void) | undefined
  /** One, or several, that see every event of the pool. */
  observer?: Observer | readonly Observer[] | undefined
}

const describe = (event: TaskEvent): string => `[posttask] task "${event.name}" on runner "${event.runner.name}"`

const site = (origin: string | undefined): string[] => (origin === undefined ? [] : [`\nposted from\n${origin}`])

const printError = (event: TaskErrorEvent): void => {
  console.error(`${describe(event)} failed:`, event.error, ...site(event.origin))
}

const printStall = (event: StallEvent): void => {
  const { runMs, waiting, waitsFor, cycle, origin } = event
  const waits = waitsFor.length === 0 ? '' : `; it may wait for ${waitsFor.join(', ')}`
  const deadlock = cycle === undefined ? '' : `, in a cycle: ${cycle.join(' -> ')}`
  console.error(
    `${describe(event)} runs for ${Math.round(runMs)} ms now; waiting in its runner: ${waiting}${waits}${deadlock}`,
    ...site(origin),
  )
}

const printStray = ({ pool, executor, error }: StrayErrorEvent): void => {
  console.error(`[posttask] pool "${pool}" on ${executor}: an error outside of any task:`, error)
}

const printRejection = (event: TaskRejectedEvent): void => {
  console.error(`${describe(event)} will not run: ${event.error.message}`)
}

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

// One function for each method: a closure for each event would cost more than the call.
const onPosted = (observer: Observer, event: TaskPostedEvent): void => observer.onPosted?.(event)
const onStarted = (observer: Observer, event: TaskStartedEvent): void => observer.onStarted?.(event)
const onFinished = (observer: Observer, event: TaskFinishedEvent): void => observer.onFinished?.(event)
const onRejected = (observer: Observer, event: TaskRejectedEvent): void => observer.onRejected?.(event)
const onQueueDepth = (observer: Observer, event: QueueDepthEvent): void => observer.onQueueDepth?.(event)
const onRunnerOpened = (observer: Observer, event: RunnerEvent): void => observer.onRunnerOpened?.(event)
const onRunnerClosed = (observer: Observer, event: RunnerEvent): void => observer.onRunnerClosed?.(event)

const tell = <Event>(observers: readonly Observer[], call: (observer: Observer, event: Event) => unknown, event: Event): void => {
  callBack(() => {
    for (const observer of observers) guarded(() => call(observer, event))
  })
}

const guarded = (hook: () => unknown): void => {
  try {
    reportLater(hook())
  } catch (error) {
    printHookError(error)
  }
}

/** An async hook may fail later. */
const reportLater = (result: unknown): void => {
  if (result instanceof Promise) result.catch(printHookError)
}

/** Calls `run` within the observers from this one on. */
const surround = (observers: readonly Observer[], from: number, event: TaskStartedEvent, run: () => void): void => {
  const inner = from + 1 < observers.length ? surroundOnce(observers, from + 1, event, run) : run
  try {
    observers[from]?.onRun?.(event, inner)
  } catch (error) {
    printHookError(error)
  }
  inner()
}

const surroundOnce = (observers: readonly Observer[], from: number, event: TaskStartedEvent, run: () => void): (() => void) => {
  let isCalled = false
  return () => {
    if (isCalled) return
    isCalled = true
    surround(observers, from, event, run)
  }
}

/** Calls the hooks of a pool when the change that they report is whole. One that throws is printed, and harms nothing else (F3). */
export class Hooks {
  /** False where no observer wants to know of every task: the pool then builds no event. */
  observed = false
  /** True where an observer has something to put around each task. */
  surrounds = false
  /** True once an observer had something to carry: what travels with a task is asked for at its start, before it is sent. */
  carries = false
  readonly #onTaskError: (event: TaskErrorEvent) => void
  readonly #onTaskRejected: (event: TaskRejectedEvent) => void
  readonly #onStall: (event: StallEvent) => void
  readonly #onStrayError: (event: StrayErrorEvent) => void
  readonly #observers: Observer[] = []
  /** Who has which method. Never changed, but replaced: an observer may add or take out others. */
  #listeners = listenersOf([])

  constructor(options: HookOptions) {
    this.#onTaskError = options.onTaskError ?? printError
    this.#onTaskRejected = options.onTaskRejected ?? printRejection
    this.#onStall = options.onStall ?? printStall
    this.#onStrayError = options.onStrayError ?? printStray
    const observers = options.observer ?? []
    for (const observer of Array.isArray(observers) ? observers : [observers]) this.add(observer)
  }

  add(observer: Observer): Disposable {
    this.#observers.push(observer)
    this.#update()
    let isIn = true
    return {
      [Symbol.dispose]: () => {
        if (!isIn) return
        isIn = false
        this.#observers.splice(this.#observers.indexOf(observer), 1)
        this.#update()
      },
    }
  }

  failed(record: TaskRecord, error: unknown): void {
    const event = eventOf(record)
    this.#call(() => this.#onTaskError({ ...event, error, origin: postedFrom(record) }))
  }

  stalled(record: TaskRecord, runMs: number): void {
    const waitsFor = edgesOf(record).map(({ what }) => what)
    const event = { ...eventOf(record), runMs, waiting: record.runner.waiting.size, waitsFor, cycle: firstCycle([record]) }
    this.#call(() => this.#onStall({ ...event, origin: postedFrom(record) }))
  }

  /** `isReported` is false where the poster's own promise tells. */
  rejected(record: TaskRecord, reason: RejectionReason, error: Error, isReported: boolean): void {
    const event = { ...eventOf(record), reason, error }
    if (isReported) this.#call(() => this.#onTaskRejected(event))
    const observers = this.#listeners.onRejected
    if (observers.length > 0) tell(observers, onRejected, event)
  }

  /** An error in a worker while no task ran there: nobody's outcome. */
  stray(event: StrayErrorEvent): void {
    this.#call(() => this.#onStrayError(event))
  }

  posted(record: TaskRecord): void {
    const observers = this.#listeners.onPosted
    if (observers.length > 0) tell(observers, onPosted, new PostedEvent(record))
  }

  started(run: TaskRun): void {
    const observers = this.#listeners.onStarted
    if (observers.length > 0) tell(observers, onStarted, run.named())
  }

  finished(run: TaskRun): void {
    const observers = this.#listeners.onFinished
    if (observers.length > 0) tell(observers, onFinished, run.named() as TaskFinishedEvent)
  }

  queueDepth(runner: TaskRunner, depth: number): void {
    const observers = this.#listeners.onQueueDepth
    if (observers.length > 0) tell(observers, onQueueDepth, { runner, depth })
  }

  runnerOpened(runner: TaskRunner): void {
    const observers = this.#listeners.onRunnerOpened
    if (observers.length > 0) tell(observers, onRunnerOpened, { runner })
  }

  runnerClosed(runner: TaskRunner): void {
    const observers = this.#listeners.onRunnerClosed
    if (observers.length > 0) tell(observers, onRunnerClosed, { runner })
  }

  /** Runs code of the user's that belongs to no task's outcome. */
  guard(record: TaskRecord, what: string, body: () => void): void {
    try {
      body()
    } catch (error) {
      console.error(`[posttask] ${what} of task "${record.name}" on runner "${record.runner.name}" threw:`, error)
    }
  }

  /** Calls `body` with what the observers put around it, and gives its outcome: no observer can lose or change it. */
  around<Arg>(record: TaskRecord, body: (this: TaskRecord, arg: Arg) => unknown, arg: Arg): unknown {
    let hasRun = false
    let hasThrown = false
    let outcome: unknown
    const run = (): void => {
      if (hasRun) return
      hasRun = true
      try {
        outcome = body.call(record, arg)
      } catch (error) {
        hasThrown = true
        outcome = error
      }
    }
    surround(this.#listeners.onRun, 0, (record.run as TaskRun).named(), run)
    if (hasThrown) throw outcome
    return outcome
  }

  #update(): void {
    this.#listeners = listenersOf(this.#observers)
    const listeners = this.#listeners
    this.surrounds = listeners.onRun.length > 0
    const ofTasks = [listeners.onPosted, listeners.onStarted, listeners.onRun, listeners.onFinished, listeners.onQueueDepth]
    this.observed = ofTasks.some(({ length }) => length > 0)
  }

  #call(hook: () => unknown): void {
    callBack(() => guarded(hook))
  }
}

const eventOf = (record: TaskRecord): TaskEvent => ({
  runner: record.runner,
  task: record,
  name: record.name,
  priority: record.priority,
})
