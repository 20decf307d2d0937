import { beginChange, endChange } from './callbacks.ts'
import type { Clock } from './clock.ts'
import type { DelayEntry, DelayQueue } from './delay-queue.ts'
import type { Hooks } from './hooks.ts'
import type { TaskRecord } from './task-record.ts'

/**
 * Tells of each task, once, that it runs longer than it should. One timer for all of them, and that only while one runs.
 */
export class StallWatch implements DelayEntry {
  /** Ahead of every task that is due at the same time. */
  readonly id = 0
  order = 0
  readonly #clock: Clock
  readonly #delays: DelayQueue
  readonly #hooks: Hooks
  readonly #limitMs: number
  /** Those that nobody was told of, by their start. */
  readonly #running = new Set<TaskRecord>()
  #isArmed = false

  constructor(clock: Clock, delays: DelayQueue, hooks: Hooks, limitMs: number) {
    this.#clock = clock
    this.#delays = delays
    this.#hooks = hooks
    this.#limitMs = limitMs
  }

  started(record: TaskRecord, now: number): void {
    this.#running.add(record)
    if (!this.#isArmed) this.#arm(now + this.#limitMs)
  }

  /** A task that held the event loop is told of now: no timer could come before. */
  ended(record: TaskRecord): void {
    if (!this.forget(record)) return
    const runMs = this.#ageOf(record, this.#clock.now())
    if (runMs >= this.#limitMs) this.#hooks.stalled(record, runMs)
  }

  onDue(): void {
    this.#isArmed = false
    const now = this.#clock.now()
    beginChange()
    for (const record of this.#running) {
      const runMs = this.#ageOf(record, now)
      if (runMs < this.#limitMs) {
        this.#arm(now - runMs + this.#limitMs)
        break
      }
      this.#running.delete(record)
      this.#hooks.stalled(record, runMs)
    }
    endChange()
  }

  /** Nobody is told of it from now on. True where nobody was. */
  forget(record: TaskRecord): boolean {
    const isNew = this.#running.delete(record)
    if (this.#running.size === 0 && this.#isArmed) {
      this.#delays.remove(this)
      this.#isArmed = false
    }
    return isNew
  }

  #arm(due: number): void {
    this.#isArmed = true
    this.#delays.add(this, due)
  }

  #ageOf(record: TaskRecord, now: number): number {
    return now - (record.run?.startedAt ?? now)
  }
}
