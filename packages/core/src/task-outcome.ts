import type { RejectionReason } from './observer.ts'
import { appendOrigin } from './origin.ts'
import { rejectThroughAwaiters } from './rejection.ts'
import type { OutcomeCounters } from './runner-stats.ts'
import type { TaskHistory, TaskSummary } from './task-history.ts'
import {
  cancelled,
  failed,
  isBarrier,
  type RecordState,
  rejected,
  succeeded,
  type TaskRecord,
  taskStates,
  travels,
} from './task-record.ts'
import { TaskRun } from './task-run.ts'
import type { ThreadPool } from './thread-pool.ts'

/** The one place in which a task gets its outcome, and in which somebody is told. */
export class TaskOutcomes {
  readonly #pool: ThreadPool<never>
  readonly #counters: OutcomeCounters
  readonly #history: TaskHistory | undefined

  constructor(pool: ThreadPool<never>, counters: OutcomeCounters, history: TaskHistory | undefined) {
    this.#pool = pool
    this.#counters = counters
    this.#history = history
  }

  /**
   * Books the outcome. A success goes to the promise of a `run` by `deliver`, when the change is whole; everything else is
   * done. True if its poster learns of it. `isForced`: the pool ended it (W6), which somebody has to know.
   */
  settle(record: TaskRecord, state: RecordState, value: unknown, isForced = false): boolean {
    const { sink } = record
    record.code = state
    const isLate = state === cancelled && isTimeout(value)
    if (!record.has(isBarrier)) this.#counters.count(state, isLate)
    this.letGo(record)
    let isTold = true
    if (sink === undefined) isTold = false
    else if (typeof sink !== 'function') isTold = sink.onSettled(record, state, value)
    else if (state !== succeeded) this.#reject(record, sink, value, state === failed || isLate)
    if (!isTold && (state === failed || isLate || isForced)) this.#report(record, value)
    this.tellWatchers(record, state, value)
    return isTold
  }

  /** Fulfils the promise of a `run` that succeeded. To look at its value may run code of the user's. */
  deliver(record: TaskRecord, value: unknown): void {
    if (typeof record.sink !== 'function') return
    if (record.code === succeeded) record.sink(value)
    this.#pool.pump.breathe()
  }

  /** It was not accepted, or dropped before its start. What `shutdown` drops is in its report. */
  refuse(record: TaskRecord, reason: RejectionReason, error: Error): void {
    const isTold = this.settle(record, rejected, error)
    this.#pool.hooks.rejected(record, reason, error, !isTold && reason !== 'shutdown')
  }

  /**
   * It has its outcome, and now its function fails all the same. Expected where it throws the reason, or an AbortError;
   * else somebody must know.
   */
  failedLate(record: TaskRecord, error: unknown): void {
    const isAbort = error === record.abortReason || read(error, 'name') === 'AbortError'
    if (!isAbort) this.#pool.hooks.failed(record, error)
  }

  /** Signal and time limit of a task are nobody's business any more. */
  letGo(record: TaskRecord): void {
    const { extras } = record
    if (extras === undefined) return
    extras.group?.leave(record)
    extras.group = undefined
    if (extras.deadline !== undefined) this.#pool.delays.remove(extras.deadline)
    extras.deadline = undefined
  }

  /** `isOwn`: the error is this task's alone. A reason that cancels many must not show the stack of one. */
  #reject(record: TaskRecord, resolve: (value: unknown) => void, error: unknown, isOwn: boolean): void {
    if (record.code === failed) appendOrigin(error, record)
    const { pump } = this.#pool
    pump.tell()
    pump.breathe()
    resolve(rejectThroughAwaiters(error, isOwn, pump.told))
  }

  #report(record: TaskRecord, error: unknown): void {
    // A time limit had it from the start.
    if (record.code === failed) appendOrigin(error, record)
    this.#pool.hooks.failed(record, error)
  }

  /** Measurements, history and observers. */
  tellWatchers(record: TaskRecord, state: RecordState, value: unknown): void {
    // Of a rejection nothing is measured, and only a history keeps it.
    if (this.#history !== undefined || (this.#pool.isTimed && state !== rejected)) this.#measure(record, state, value)
  }

  #measure(record: TaskRecord, state: RecordState, value: unknown): void {
    const { clock, hooks } = this.#pool
    const now = clock.now()
    // None where it never started, or did before anybody measured.
    const hasStarted = record.isHolding && !record.has(travels)
    const run = record.run ?? new TaskRun(record, now - (record.queuedAt ?? now), hasStarted, now)
    run.outcome = taskStates[state] as TaskSummary['outcome']
    if (state !== succeeded) run.error = value
    if (!run.isMeasured) run.runMs = now - run.startedAt
    if (record.run !== undefined && !record.has(isBarrier)) this.#counters.measure(run.waitMs, run.runMs)
    this.#history?.add(record.id, run, run.startedAt + run.runMs)
    if (state !== rejected) hooks.finished(run)
  }
}

/** The reason of a task that ran into a time limit. */
export const isTimeout = (reason: unknown): boolean => read(reason, 'code') === 'ERR_TASK_TIMEOUT'

/** Whatever was thrown: its getters may throw as well. */
const read = (error: unknown, key: 'name' | 'code'): unknown => {
  try {
    return (error as Partial<Record<typeof key, unknown>> | null | undefined)?.[key]
  } catch {
    return undefined
  }
}
