import type { RunnerStats, TaskRunner } from '@posttask/core'

/** For so long, in ms, what was busy counts, so that the choice of the busiest does not flicker. */
const memoryMs = 2000

/** What is known of a runner from sample to sample, and whether it is paused from here. */
export class RunnerWatch {
  readonly id: number
  readonly runner: TaskRunner
  finishedPerSecond = 0
  /** Number of the last choice of the busiest that it took part in. */
  chosenIn = 0
  #readAt: number
  #finished: number
  #busyness = 0
  #pause: Disposable | undefined

  constructor(id: number, runner: TaskRunner, now: number) {
    this.id = id
    this.runner = runner
    this.#readAt = now
    this.#finished = finishedOf(runner.stats())
  }

  /** Keeps nothing of what it returns: of thousands that would be felt. */
  read(now: number): RunnerStats {
    const stats = this.runner.stats()
    const finished = finishedOf(stats)
    const spanMs = now - this.#readAt
    if (spanMs > 0) this.finishedPerSecond = ((finished - this.#finished) / spanMs) * 1000
    const busy = this.finishedPerSecond + stats.pending + stats.running
    // The same however often it is read: those that are shown are read more often.
    this.#busyness += (busy - this.#busyness) * (this.#busyness === 0 ? 1 : 1 - Math.exp(-spanMs / memoryMs))
    this.#readAt = now
    this.#finished = finished
    return stats
  }

  get isPaused(): boolean {
    return this.#pause !== undefined && !this.runner.isClosed
  }

  /** By what the busiest are chosen. One that is paused is always among them: who else would resume it? */
  get busyness(): number {
    return this.isPaused ? Number.MAX_VALUE : this.#busyness
  }

  /** By how many times four it is busy: of two that differ in this, the order is of interest. */
  get magnitude(): number {
    return Math.round(Math.log2(1 + this.#busyness) / 2)
  }

  /** False where it is closed: closing lifts every pause. */
  pause(): boolean {
    if (this.runner.isClosed) return false
    this.#pause ??= this.runner.pause()
    return true
  }

  /** Lifts the pause that was made here. Those of others stay. */
  resume(): void {
    this.#pause?.[Symbol.dispose]()
    this.#pause = undefined
  }
}

const finishedOf = ({ completed, failed, cancelled, timedOut }: RunnerStats): number => completed + failed + cancelled + timedOut
