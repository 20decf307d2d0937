import type { Pump } from './pump.ts'
import { ReadyEntry } from './ready-list.ts'
import type { AbortableWait } from './task-extras.ts'
import type { TaskRecord } from './task-record.ts'
import { bestEffort } from './traits.ts'

const ignore = (): void => {}

/** A task that let others in and waits for its turn, its sequence still taken (S2) and its slot given up. */
export class TaskYield extends ReadyEntry implements AbortableWait {
  readonly promise: Promise<void>
  readonly isDedicated: boolean
  override readonly isResumption: boolean = true
  /** The event loop had its turn since the yield. */
  hasTurned = false
  readonly #record: TaskRecord
  readonly #pump: Pump
  readonly #startLevel: number
  #resolve: () => void = () => {}
  #reject: (reason: unknown) => void = () => {}

  constructor(record: TaskRecord, pump: Pump, startLevel: number) {
    super()
    this.#record = record
    this.#pump = pump
    this.#startLevel = startLevel
    this.isDedicated = record.runner.isDedicated
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever awaits it learns how it ends; a task that does not, or not yet, must not crash the process.
    this.promise.catch(ignore)
    record.runner.extrasOf(record).addWait(this)
    if (!this.isDedicated) pump.vacate(record)
  }

  get level(): number {
    return this.#record.level
  }

  get isBestEffort(): boolean {
    return this.#startLevel === bestEffort
  }

  start(): void {
    // Whatever is less urgent waits for it, and it for the event loop.
    if (!this.hasTurned) {
      this.#pump.awaitTurn()
      return
    }
    this.#pump.ready.leave(this)
    this.#takeSlot()
    this.#record.extras?.waits?.delete(this)
    this.#record.runner.pool.seam?.resumed?.(this.#record, 'yield')
    if (this.#record.aborted) this.#reject(this.#record.abortReason)
    else this.#resolve()
    this.#pump.breathe()
  }

  offers(): readonly TaskRecord[] {
    return [this.#record]
  }

  /** It goes on when its turn comes, and is told then: its slot may be somebody else's now. */
  onAbort(): boolean {
    return true
  }

  onEnd(error: Error): void {
    this.#pump.ready.leave(this)
    this.#takeSlot()
    this.#reject(error)
  }

  #takeSlot(): void {
    if (!this.isDedicated) this.#pump.occupy(this.#record, this.#startLevel)
  }
}
