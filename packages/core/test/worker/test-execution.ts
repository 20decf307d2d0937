import type { BoundTask, TaskExecution } from '@posttask/core'

let lastId = 0

/** An execution as the pool would hand it to an executor. */
export class TestExecution implements TaskExecution {
  readonly runner = undefined as never
  readonly id = ++lastId
  readonly priority = 'user-visible'
  readonly carrier = undefined
  readonly name: string
  readonly transfer: readonly object[] | undefined
  readonly wantsProgress: boolean
  readonly seen: unknown[] = []
  thread: number | undefined = undefined
  readonly #controller = new AbortController()
  readonly #onProgress: ((value: unknown) => void) | undefined

  constructor(name: string, options: { transfer?: readonly object[]; onProgress?: (value: unknown) => void } = {}) {
    this.name = name
    this.transfer = options.transfer
    this.wantsProgress = options.onProgress !== undefined
    this.#onProgress = options.onProgress
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.signal.aborted
  }

  get abortReason(): unknown {
    return this.signal.reason
  }

  cancel(reason: unknown): void {
    this.#controller.abort(reason)
  }

  sleep(): Promise<void> {
    throw new Error('not used on threads')
  }

  yield(): Promise<void> {
    throw new Error('not used on threads')
  }

  progress(value: unknown): void {
    this.seen.push(value)
    this.#onProgress?.(value)
  }

  enter<R>(body: () => R): R {
    return body()
  }
}

export const fixture: string = new URL('./fixtures/tasks.js', import.meta.url).href

/** A bound task of the fixture module, or of another one. */
export const bind = (name: string, ...args: unknown[]): BoundTask => ({ module: fixture, export: name, args })
