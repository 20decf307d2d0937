import { type Attributes, type Meter, type MeterProvider, metrics, type ObservableResult } from '@opentelemetry/api'
import { type Observer, PoolTotals, type RunnerTotals, type Task, type TaskFinishedEvent, type ThreadPool } from '@posttask/core'

/** Options of `measurePool`. */
export interface MetricsOptions {
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined
  /** Histograms of wait and run times too: the only part that costs something per task. Default false. */
  readonly histograms?: boolean | undefined
}

/** Seconds, from 100 microseconds up: a task is often shorter than a request. */
const explicitBucketBoundaries = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** By its meter: a provider gives the same one each time. */
const measuringsOf = new WeakMap<Meter, WeakMap<ThreadPool, Measuring>>()

/**
 * Observes a pool by instruments that read `pool.stats()` when they are collected; README.md lists them. Who measures a
 * pool that is measured already for the same provider shares that, and nothing is counted twice. Disposing what it
 * returns ends it, for the last of them.
 */
export const measurePool = <Accepts extends Task>(pool: ThreadPool<Accepts>, options: MetricsOptions = {}): Disposable => {
  const meter = (options.meterProvider ?? metrics).getMeter('@posttask/opentelemetry')
  const measuring = sharedMeasuring(meter, pool as unknown as ThreadPool)
  measuring.join(options.histograms ?? false)
  let isMeasured = true
  return {
    [Symbol.dispose]: () => {
      if (isMeasured) measuring.leave()
      isMeasured = false
    },
  }
}

const sharedMeasuring = (meter: Meter, pool: ThreadPool): Measuring => {
  const byPool = measuringsOf.get(meter) ?? new WeakMap<ThreadPool, Measuring>()
  measuringsOf.set(meter, byPool)
  const measuring = byPool.get(pool) ?? new Measuring(meter, pool)
  byPool.set(pool, measuring)
  return measuring
}

/** What is measured of a pool while anybody wants it. */
class Measuring {
  readonly #meter: Meter
  readonly #pool: ThreadPool
  #users = 0
  #observing: Disposable | undefined
  #timing: Disposable | undefined

  constructor(meter: Meter, pool: ThreadPool) {
    this.#meter = meter
    this.#pool = pool
  }

  join(withHistograms: boolean): void {
    this.#users++
    this.#observing ??= observe(this.#meter, this.#pool)
    if (withHistograms) this.#timing ??= this.#pool.addObserver(durationsOf(this.#meter, this.#pool))
  }

  leave(): void {
    if (--this.#users > 0) return
    this.#observing?.[Symbol.dispose]()
    this.#timing?.[Symbol.dispose]()
    this.#observing = this.#timing = undefined
  }
}

const observe = (meter: Meter, pool: ThreadPool): Disposable => {
  const totals = new PoolTotals(pool)
  const poolAttributes = { 'posttask.pool.name': pool.name }
  const attributesOf = ({ name, kind }: RunnerTotals): Attributes => ({
    ...poolAttributes,
    'posttask.runner.name': name,
    'posttask.runner.kind': kind,
  })
  const endings: (() => void)[] = []
  const upDown = (name: string, description: string, unit: string, read: (result: ObservableResult) => void): void => {
    const instrument = meter.createObservableUpDownCounter(name, { description, unit })
    instrument.addCallback(read)
    endings.push(() => instrument.removeCallback(read))
  }
  const perRunner =
    (read: (totals: RunnerTotals) => number) =>
    (result: ObservableResult): void => {
      for (const runner of totals.read()) result.observe(read(runner), attributesOf(runner))
    }
  upDown('posttask.pool.slots', 'Slots in use.', '{slot}', (result) => result.observe(pool.stats().active, poolAttributes))
  upDown(
    'posttask.runner.pending',
    'Tasks that wait in the queue.',
    '{task}',
    perRunner(({ pending }) => pending),
  )
  upDown(
    'posttask.runner.running',
    'Tasks that run.',
    '{task}',
    perRunner(({ running }) => running),
  )
  upDown(
    'posttask.runner.delayed',
    'Tasks whose delay has not passed.',
    '{task}',
    perRunner(({ delayed }) => delayed),
  )

  const tasks = meter.createObservableCounter('posttask.tasks', { description: 'Tasks that ended.', unit: '{task}' })
  const readTasks = (result: ObservableResult): void => {
    for (const runner of totals.read()) {
      const attributes = attributesOf(runner)
      const { completed, failed, cancelled, timedOut } = runner
      for (const [outcome, count] of Object.entries({ succeeded: completed, failed, cancelled, timed_out: timedOut })) {
        result.observe(count, { ...attributes, 'posttask.task.outcome': outcome })
      }
    }
  }
  tasks.addCallback(readTasks)
  endings.push(() => tasks.removeCallback(readTasks))
  return {
    [Symbol.dispose]: () => {
      for (const end of endings.splice(0)) end()
      totals[Symbol.dispose]()
    },
  }
}

const durationsOf = (meter: Meter, pool: ThreadPool): Observer => {
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } })
  const wait = histogram('posttask.task.queue.duration', 'From joining the queue to the start.')
  const run = histogram('posttask.task.run.duration', 'From the start to the outcome.')
  return {
    onFinished: ({ runner, priority, outcome, hasStarted, waitMs, runMs }: TaskFinishedEvent) => {
      const attributes = {
        'posttask.pool.name': pool.name,
        'posttask.runner.name': PoolTotals.nameOf(runner),
        'posttask.runner.kind': runner.kind,
        'posttask.task.priority': priority,
        'posttask.task.outcome': outcome,
      }
      wait.record(waitMs / 1000, attributes)
      if (hasStarted) run.record(runMs / 1000, attributes)
    },
  }
}
