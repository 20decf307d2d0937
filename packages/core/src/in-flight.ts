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
    void nativeThen.call(outcome, watch.#onFulfilled, watch.#onRejected)
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

const nativeThen = Reflect.get(Promise.prototype, 'then') as Promise<unknown>['then']

/** A promise of the language, that nobody has given a `then` of its own: it settles once, and never while it is asked. */
export const isPromise = (value: unknown): value is Promise<unknown> =>
  value instanceof Promise && value.constructor === Promise && value.then === nativeThen

/**
 * The value itself, or a promise for it where it is a thenable. `then` is read once, as the language does it; whatever a
 * foreign thenable does, the promise settles once.
 */
export const withoutThenable = (value: object | null): unknown => {
  if (value === null || isPromise(value)) return value
  const { then } = value as { then?: unknown }
  if (typeof then !== 'function') return value
  return new Promise((resolve, reject) => {
    then.call(value, resolve, reject)
  })
}
