import type { Observer, PoolStats, RunnerEvent, RunnerKind, RunnerStats, TaskRejectedEvent, ThreadPool } from '@posttask/core'
import { type RunnerLabels, runnerLabels } from './runner-labels.ts'

/** What is told of all runners that share their labels. */
export interface RunnerSeries {
  readonly labels: RunnerLabels
  completed: number
  failed: number
  cancelled: number
  pending: number
  running: number
  delayed: number
  repeating: number
}

/** A pool at the time of a scrape. */
export interface PoolSeries {
  readonly stats: PoolStats
  readonly runners: readonly RunnerSeries[]
}

/**
 * What a scrape reads of one pool. It takes over the counts of runners that close, so that no counter ever goes back.
 * It is told of runners and refusals only: a task costs nothing.
 */
export class PoolSource implements Observer {
  readonly #pool: ThreadPool
  readonly #closed = new Map<string, RunnerSeries>()
  readonly #countRejection: (labels: RunnerLabels, reason: string) => void
  readonly #observing: Disposable

  constructor(pool: ThreadPool, countRejection: (labels: RunnerLabels, reason: string) => void) {
    this.#pool = pool
    this.#countRejection = countRejection
    this.#observing = pool.addObserver(this)
  }

  read(): PoolSeries {
    const stats = this.#pool.stats()
    const series = new Map([...this.#closed].map(([key, closed]) => [key, { ...closed }]))
    for (const runner of stats.runners) {
      const one = seriesOf(series, stats.name, runner.name, runner.kind)
      addCounts(one, runner)
      one.pending += runner.pending
      one.running += runner.running
      one.delayed += runner.delayed
      one.repeating += runner.repeating
    }
    return { stats, runners: [...series.values()] }
  }

  onRunnerClosed({ runner }: RunnerEvent): void {
    addCounts(seriesOf(this.#closed, this.#pool.name, runner.name, runner.kind), runner.stats())
  }

  onRejected({ runner, reason }: TaskRejectedEvent): void {
    this.#countRejection(runnerLabels(this.#pool.name, runner.name, runner.kind), reason)
  }

  close(): void {
    this.#observing[Symbol.dispose]()
  }
}

const seriesOf = (series: Map<string, RunnerSeries>, pool: string, name: string, kind: RunnerKind): RunnerSeries => {
  const labels = runnerLabels(pool, name, kind)
  const key = `${kind} ${labels.runner}`
  let one = series.get(key)
  if (one === undefined) {
    one = { labels, completed: 0, failed: 0, cancelled: 0, pending: 0, running: 0, delayed: 0, repeating: 0 }
    series.set(key, one)
  }
  return one
}

const addCounts = (series: RunnerSeries, { completed, failed, cancelled }: RunnerStats): void => {
  series.completed += completed
  series.failed += failed
  series.cancelled += cancelled
}
