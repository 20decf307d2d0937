import type { RunnerStats, TaskRunner } from '@posttask/core'

/** How much of what was busy a sample ago still counts, so that the choice of the busiest does not flicker. */
const memory = 0.8

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
    const { pending, running } = stats
    const ended = finished - this.#finished
    this.finishedPerSecond = now === this.#readAt ? 0 : (ended / (now - this.#readAt)) * 1000
    this.#readAt = now
    this.#busyness = this.#busyness * memory + ended + pending + running
    this.#finished = finished
    return stats
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
