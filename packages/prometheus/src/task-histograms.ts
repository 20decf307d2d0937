import type { Observer, TaskFinishedEvent, TaskPriority, TaskRunner, ThreadPool } from '@posttask/core'
import { Histogram, type Registry } from 'prom-client'
import { LabelSets } from './label-sets.ts'
import { type RunnerLabels, runnerLabels } from './runner-labels.ts'

/** Seconds, from 100 microseconds up: a task is often shorter than a request. */
const defaultBuckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const labelNames = ['pool', 'runner', 'kind', 'priority'] as const
type Label = (typeof labelNames)[number]
type Child = Histogram.Internal<Label>
type Labels = RunnerLabels & { readonly priority: TaskPriority }

/** The series of a runner for one priority. */
interface Children {
  readonly wait: Child
  readonly run: Child
}

/** Durations of tasks. Told of each task: this is the part that costs something per task. */
export class TaskHistograms {
  readonly #wait: Histogram<Label>
  readonly #run: Histogram<Label>
  readonly #labels = new LabelSets<Labels>()
  readonly #pools = new Map<ThreadPool, { readonly observing: Disposable; users: number }>()

  constructor(registry: Registry, prefix: string, buckets: readonly number[] = defaultBuckets) {
    const make = (name: string, help: string): Histogram<Label> =>
      new Histogram({ name: prefix + name, help, labelNames, buckets: [...buckets], registers: [registry] })
    this.#wait = make('task_wait_seconds', 'From joining the queue to the start.')
    this.#run = make('task_duration_seconds', 'From the start to the outcome.')
  }

  has(metric: object): boolean {
    return metric === this.#wait || metric === this.#run
  }

  /** However many exporters ask for it, a task of a pool is observed once. */
  add(pool: ThreadPool): void {
    const known = this.#pools.get(pool)
    if (known !== undefined) known.users++
    else {
      const observing = pool.addObserver(new DurationObserver(pool.name, (labels) => this.#childrenFor(labels)))
      this.#pools.set(pool, { observing, users: 1 })
    }
  }

  remove(pool: ThreadPool): void {
    const known = this.#pools.get(pool)
    if (known === undefined || --known.users > 0) return
    known.observing[Symbol.dispose]()
    this.#pools.delete(pool)
    if ([...this.#pools.keys()].some(({ name }) => name === pool.name)) return
    for (const labels of this.#labels.take(pool.name)) {
      this.#wait.remove({ ...labels })
      this.#run.remove({ ...labels })
    }
  }

  #childrenFor(labels: Labels): Children {
    this.#labels.add(labels)
    return { wait: this.#wait.labels({ ...labels }), run: this.#run.labels({ ...labels }) }
  }
}

/** Looks the series of a runner up once: labels cost more than the observation. */
class DurationObserver implements Observer {
  readonly #pool: string
  readonly #childrenFor: (labels: Labels) => Children
  readonly #children = new WeakMap<TaskRunner, Partial<Record<TaskPriority, Children>>>()

  constructor(pool: string, childrenFor: (labels: Labels) => Children) {
    this.#pool = pool
    this.#childrenFor = childrenFor
  }

  onFinished({ runner, priority, hasStarted, waitMs, runMs }: TaskFinishedEvent): void {
    const { wait, run } = this.#childrenOf(runner, priority)
    wait.observe(waitMs / 1000)
    if (hasStarted) run.observe(runMs / 1000)
  }

  #childrenOf(runner: TaskRunner, priority: TaskPriority): Children {
    let byPriority = this.#children.get(runner)
    if (byPriority === undefined) {
      byPriority = {}
      this.#children.set(runner, byPriority)
    }
    return (byPriority[priority] ??= this.#childrenFor({ ...runnerLabels(this.#pool, runner), priority }))
  }
}
