import {
  type Observer,
  type PoolStats,
  PoolTotals,
  type RunnerTotals,
  type TaskRejectedEvent,
  type ThreadPool,
} from '@posttask/core'
import { type RunnerLabels, runnerLabels } from './runner-labels.ts'

/** A pool at the time of a scrape. */
export interface PoolSeries {
  readonly stats: PoolStats
  readonly runners: readonly RunnerTotals[]
}

/** What a scrape reads of one pool. It is told of runners and refusals only: a task costs nothing. */
export class PoolSource implements Observer {
  readonly #pool: ThreadPool
  readonly #totals: PoolTotals
  readonly #countRejection: (labels: RunnerLabels, reason: string) => void
  readonly #observing: Disposable

  constructor(pool: ThreadPool, countRejection: (labels: RunnerLabels, reason: string) => void) {
    this.#pool = pool
    this.#totals = new PoolTotals(pool)
    this.#countRejection = countRejection
    this.#observing = pool.addObserver(this)
  }

  read(): PoolSeries {
    return { stats: this.#pool.stats(), runners: this.#totals.read() }
  }

  onRejected({ runner, reason }: TaskRejectedEvent): void {
    this.#countRejection(runnerLabels(this.#pool.name, runner), reason)
  }

  close(): void {
    this.#observing[Symbol.dispose]()
    this.#totals[Symbol.dispose]()
  }
}
