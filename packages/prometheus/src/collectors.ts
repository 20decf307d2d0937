import type { RunnerTotals, ThreadPool } from '@posttask/core'
import { Counter, Gauge, type Registry } from 'prom-client'
import { allOrNone } from './all-or-none.ts'
import { LabelSets } from './label-sets.ts'
import { type PoolSeries, PoolSource } from './pool-source.ts'
import { type RunnerLabels, runnerLabels } from './runner-labels.ts'
import { TaskHistograms } from './task-histograms.ts'

const poolLabels = ['pool'] as const
const runnerLabelNames = ['pool', 'runner', 'kind'] as const

type Count = 'completed' | 'failed' | 'cancelled' | 'timedOut'
type RejectedLabels = RunnerLabels & { readonly reason: string }
type Level = 'pending' | 'running' | 'delayed' | 'repeating'

/** The metrics of all pools that are exported to one registry. They read the pools when they are scraped. */
export class Collectors {
  readonly #registry: Registry
  readonly #prefix: string
  readonly #sources = new Map<ThreadPool, { readonly source: PoolSource; users: number }>()
  readonly #rejected: Counter<keyof RejectedLabels>
  readonly #rejectedLabels = new LabelSets<RejectedLabels>()
  /** Those that are always there. */
  readonly #metrics = new Set<object>()
  #histograms: TaskHistograms | undefined
  #scrape: readonly PoolSeries[] | undefined

  constructor(registry: Registry, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
    this.#rejected = new Counter({
      name: `${prefix}tasks_rejected_total`,
      help: 'Posts that were refused and tasks that were dropped before their start, by reason.',
      labelNames: [...runnerLabelNames, 'reason'],
      registers: [registry],
    })
    this.#metrics.add(this.#rejected)
    this.#poolGauge('pool_slots', 'Slots of the executor.', ({ stats }) => stats.slots ?? Number.POSITIVE_INFINITY)
    this.#poolGauge('pool_slots_active', 'Slots in use.', ({ stats }) => stats.active)
    this.#poolGauge('pool_runners', 'Runners that are not closed.', ({ stats }) => stats.runners.length)
    this.#runnerGauge('queue_depth', 'Tasks that wait in the queue.', 'pending')
    this.#runnerGauge('tasks_running', 'Tasks that were started and have not settled.', 'running')
    this.#runnerGauge('tasks_delayed', 'Tasks whose delay has not passed.', 'delayed')
    this.#runnerGauge('tasks_repeating', 'Repeating tasks that go on.', 'repeating')
    this.#runnerCounter('tasks_completed_total', 'Tasks that succeeded.', 'completed')
    this.#runnerCounter('tasks_failed_total', 'Tasks that failed.', 'failed')
    this.#runnerCounter('tasks_cancelled_total', 'Tasks that were cancelled.', 'cancelled')
    this.#runnerCounter('tasks_timed_out_total', 'Tasks that a time limit ended.', 'timedOut')
  }

  /** False once the registry was cleared. One that was taken out of it alone stays out. */
  get isRegistered(): boolean {
    return this.#registry.getMetricsAsArray().some((metric) => this.#metrics.has(metric) || this.#histograms?.has(metric))
  }

  add(pool: ThreadPool): void {
    const known = this.#sources.get(pool)
    if (known !== undefined) known.users++
    else {
      const source = new PoolSource(pool, (labels, reason) => this.#countRejection({ ...labels, reason }))
      this.#sources.set(pool, { source, users: 1 })
    }
  }

  /** The series of a pool go with its last exporter. */
  remove(pool: ThreadPool): void {
    const known = this.#sources.get(pool)
    if (known === undefined || --known.users > 0) return
    known.source.close()
    this.#sources.delete(pool)
    if ([...this.#sources.keys()].some(({ name }) => name === pool.name)) return
    for (const labels of this.#rejectedLabels.take(pool.name)) this.#rejected.remove({ ...labels })
  }

  /** The first to ask for histograms says what their buckets are. */
  histograms(buckets: readonly number[] | undefined): TaskHistograms {
    this.#histograms ??= allOrNone(this.#registry, () => new TaskHistograms(this.#registry, this.#prefix, buckets))
    return this.#histograms
  }

  #countRejection(labels: RejectedLabels): void {
    this.#rejectedLabels.add(labels)
    this.#rejected.inc({ ...labels })
  }

  /** One look at the pools for all metrics of a scrape: they are collected in one go. */
  #read(): readonly PoolSeries[] {
    if (this.#scrape === undefined) {
      this.#scrape = [...this.#sources.values()].map(({ source }) => source.read())
      queueMicrotask(() => {
        this.#scrape = undefined
      })
    }
    return this.#scrape
  }

  #poolGauge(name: string, help: string, value: (series: PoolSeries) => number): void {
    const collect = (gauge: Gauge<'pool'>): void => {
      gauge.reset()
      for (const series of this.#read()) gauge.inc({ pool: series.stats.name }, value(series))
    }
    this.#gauge(name, help, poolLabels, collect)
  }

  #runnerGauge(name: string, help: string, level: Level): void {
    this.#gauge(name, help, runnerLabelNames, (gauge) => {
      gauge.reset()
      for (const [labels, { [level]: value }] of this.#runners()) gauge.inc({ ...labels }, value)
    })
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect: (gauge: Gauge<Label>) => void,
  ): void {
    const gauge: Gauge<Label> = new Gauge({
      name: `${this.#prefix}${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => collect(gauge),
    })
    this.#metrics.add(gauge)
  }

  #runnerCounter(name: string, help: string, count: Count): void {
    const counter: Counter<'pool' | 'runner' | 'kind'> = new Counter({
      name: `${this.#prefix}${name}`,
      help,
      labelNames: runnerLabelNames,
      registers: [this.#registry],
      collect: () => {
        counter.reset()
        for (const [labels, { [count]: value }] of this.#runners()) counter.inc({ ...labels }, value)
      },
    })
    this.#metrics.add(counter)
  }

  #runners(): readonly (readonly [RunnerLabels, RunnerTotals])[] {
    return this.#read().flatMap(({ stats, runners }) =>
      runners.map((totals) => [runnerLabels(stats.name, totals), totals] as const),
    )
  }
}
