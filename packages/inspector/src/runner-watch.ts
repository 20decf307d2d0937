import type { RunnerStats, TaskRunner } from '@posttask/core'

/** How much of what was busy a sample ago still counts, so that the choice of the busiest does not flicker. */
const memory = 0.8

/** What is known of a runner from sample to sample, and whether it is paused from here. */
export class RunnerWatch {
  readonly id: number
  readonly runner: TaskRunner
  stats: RunnerStats
  finishedPerSecond = 0
  #finished: number
  #busyness = 0
  #pause: Disposable | undefined

  constructor(id: number, runner: TaskRunner) {
    this.id = id
    this.runner = runner
    this.stats = runner.stats()
    this.#finished = finishedOf(this.stats)
  }

  /** `spanMs` since it was read before. */
  read(spanMs: number): void {
    this.stats = this.runner.stats()
    const finished = finishedOf(this.stats)
    const { pending, running } = this.stats
    const ended = finished - this.#finished
    this.finishedPerSecond = spanMs === 0 ? 0 : (ended / spanMs) * 1000
    this.#busyness = this.#busyness * memory + ended + pending + running
    this.#finished = finished
  }

  get isPaused(): boolean {
    return this.#pause !== undefined
  }

  /** By what the busiest are chosen. One that is paused is always among them: who else would resume it? */
  get busyness(): number {
    return this.isPaused ? Number.MAX_VALUE : this.#busyness
  }

  pause(): void {
    this.#pause ??= this.runner.pause()
  }

  /** Lifts the pause that was made here. Those of others stay. */
  resume(): void {
    this.#pause?.[Symbol.dispose]()
    this.#pause = undefined
  }
}

const finishedOf = ({ completed, failed, cancelled }: RunnerStats): number => completed + failed + cancelled
