import type { TaskRunner, ThreadPool } from '@posttask/core'
import { Greatest } from './greatest.ts'
import { inSlices } from './in-slices.ts'
import { RunnerWatch } from './runner-watch.ts'
import type { PoolSnapshot, RunnerSnapshot, RunnerSums } from './snapshot.ts'
import { type RunningOfRunner, TaskWatch } from './task-watch.ts'

/** How many tasks the list of those that run for longest has. */
const maxLongest = 5

/** What a watch of a pool needs of the inspector. */
export interface PoolWatchOptions {
  readonly maxRunners: number
  readonly now: () => number
  /** Ids are not used twice, in whichever pool. */
  readonly nextId: () => number
}

/** Reads a pool for the page. Between `start` and `stop` it observes the tasks; otherwise it costs nothing. */
export class PoolWatch {
  readonly pool: ThreadPool<never>
  readonly #options: PoolWatchOptions
  readonly #fixed: { readonly executor: string; readonly slots: number | null }
  #watches: ReadonlyMap<TaskRunner, RunnerWatch> = new Map()
  #tasks: TaskWatch | undefined
  #observing: Disposable | undefined

  constructor(pool: ThreadPool<never>, options: PoolWatchOptions) {
    this.pool = pool
    this.#options = options
    const { executor, slots } = pool.stats()
    this.#fixed = { executor, slots: finiteOrNull(slots) }
  }

  start(): void {
    this.#tasks = new TaskWatch(this.#options.now)
    this.#observing = this.pool.addObserver(this.#tasks)
  }

  /** What is paused stays so, and can be resumed. */
  stop(): void {
    this.#observing?.[Symbol.dispose]()
    this.#tasks = undefined
    this.#watches = new Map([...this.#watches].filter(([, { isPaused }]) => isPaused))
  }

  /** The runner of a snapshot. */
  find(id: number): RunnerWatch | undefined {
    for (const watch of this.#watches.values()) if (watch.id === id) return watch
    return undefined
  }

  resumeAll(): void {
    for (const watch of this.#watches.values()) watch.resume()
  }

  /**
   * Reads every runner, some thousands to a millisecond, a millisecond at a time; so it is not one moment that is read.
   * Undefined once `stop` was called.
   */
  async read(spanMs: number): Promise<PoolSnapshot | undefined> {
    const tasks = this.#tasks
    const all = noSums()
    const busiest = new Greatest<RunnerWatch>(this.#options.maxRunners)
    const watches = new Map<TaskRunner, RunnerWatch>()
    await inSlices(this.pool.runners, (runner) => {
      const watch = this.#watches.get(runner) ?? new RunnerWatch(this.#options.nextId(), runner)
      watches.set(runner, watch)
      watch.read(spanMs)
      addTo(all, watch)
      busiest.add(watch.busyness, watch)
    })
    if (tasks === undefined || tasks !== this.#tasks) return undefined
    this.#watches = watches
    const shown = busiest.items().toSorted((a, b) => a.id - b.id)
    const runners = shown.map(({ runner }) => runner)
    const running = tasks.runningOf(runners)
    const snapshots = shown.map((watch) => this.#snapshotOf(watch, tasks, running.get(watch.runner)))
    tasks.show(runners)
    const { name, isClosed } = this.pool
    const rest = { ...all }
    for (const watch of shown) addTo(rest, watch, -1)
    return { name, ...this.#fixed, isClosed, all, rest, runners: snapshots, longest: tasks.longest(maxLongest) }
  }

  #snapshotOf(
    { id, runner, stats, isPaused, finishedPerSecond }: RunnerWatch,
    tasks: TaskWatch,
    of: RunningOfRunner | undefined,
  ): RunnerSnapshot {
    const { closed, ...counts } = stats
    const contents = tasks.laneOf(runner)?.take(this.#options.now(), of?.startedAt ?? [])
    return {
      ...counts,
      id,
      maxConcurrency: finiteOrNull(runner.maxConcurrency),
      isClosed: closed,
      isPaused,
      finishedPerSecond,
      load: contents?.load ?? 0,
      slices: contents?.slices ?? [],
      current: of?.current ?? [],
    }
  }
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

const noSums = (): RunnerSums => ({
  runners: 0,
  pending: 0,
  running: 0,
  delayed: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  rejected: 0,
  finishedPerSecond: 0,
})

const counted = ['pending', 'running', 'delayed', 'completed', 'failed', 'cancelled', 'rejected'] as const

const addTo = (sums: RunnerSums, { stats, finishedPerSecond }: RunnerWatch, times = 1): void => {
  sums.runners += times
  sums.finishedPerSecond += times * finishedPerSecond
  for (const count of counted) sums[count] += times * stats[count]
}
