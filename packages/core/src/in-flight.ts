import { failed, succeeded, type TaskRecord } from './task-record.ts'

/**
 * Waits for the promise of a started task. Used again for task after task, so that an async task costs no closures
 * of ours.
 */
export class InFlight {
  static readonly #idle: InFlight[] = []
  #record: TaskRecord | undefined

  static watch(record: TaskRecord, outcome: PromiseLike<unknown>): void {
    const watch = InFlight.#idle.pop() ?? new InFlight()
    watch.#record = record
    outcome.then(watch.#onFulfilled, watch.#onRejected)
  }

  readonly #onFulfilled = (value: unknown): void => {
    const record = this.#release()
    record.runner.ended(record, succeeded, value)
  }

  readonly #onRejected = (error: unknown): void => {
    const record = this.#release()
    record.runner.ended(record, failed, error)
  }

  #release(): TaskRecord {
    const record = this.#record as TaskRecord
    this.#record = undefined
    if (InFlight.#idle.length < 1024) InFlight.#idle.push(this)
    return record
  }
}

/**
 * The promise in a task's result, or undefined where the result is a plain value. `then` is read once, as the language
 * does it; whatever a foreign thenable does, the promise settles once.
 */
export const promiseIn = (value: unknown): PromiseLike<unknown> | undefined => {
  if (value instanceof Promise) return value
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined
  const { then } = value as { then?: unknown }
  if (typeof then !== 'function') return undefined
  return new Promise((resolve, reject) => {
    then.call(value, resolve, reject)
  })
}
