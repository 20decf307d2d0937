import type { DelayEntry, DelayQueue } from './delay-queue.ts'
import type { AbortableWait } from './task-extras.ts'
import type { TaskRecord } from './task-record.ts'
import type { TestSeam } from './test-seam.ts'

const ignore = (): void => {}

/** A task's wait on the pool's clock. It ends when it is due, when the task is aborted, or with the task. */
export class Sleep implements DelayEntry, AbortableWait {
  readonly id: number
  order = 0
  readonly promise: Promise<void>
  readonly #record: TaskRecord
  readonly #delays: DelayQueue
  readonly #seam: TestSeam | undefined
  readonly #what: string
  #wake: () => void = () => {}
  #fail: (reason: unknown) => void = () => {}

  constructor(record: TaskRecord, id: number, ms: number, delays: DelayQueue, now: number, seam: TestSeam | undefined) {
    this.id = id
    this.#record = record
    this.#delays = delays
    this.#seam = seam
    this.#what = `sleep ${ms} ms`
    this.promise = new Promise((resolve, reject) => {
      this.#wake = resolve
      this.#fail = reject
    })
    // Whoever awaits it learns how it ends; a task that does not, or not yet, must not crash the process.
    this.promise.catch(ignore)
    record.runner.extrasOf(record).addWait(this)
    delays.add(this, now + ms)
    seam?.wait?.(record, this.#what, this.promise)
  }

  onDue(): void {
    this.#record.extras?.waits?.delete(this)
    if (this.#seam?.resume === undefined) this.#wake()
    else this.#seam.resume(this.#record, this.#what, this.#wake)
  }

  onAbort(reason: unknown): boolean {
    this.#delays.remove(this)
    this.#fail(reason)
    return false
  }

  onEnd(error: Error): void {
    this.#delays.remove(this)
    this.#fail(error)
  }
}
