import type { RunnerStats, TaskRunner, ThreadPool } from '@posttask/core'
import { Greatest } from './greatest.ts'
import { inSlices } from './in-slices.ts'
import { RunnerWatch } from './runner-watch.ts'
import type { PoolSnapshot, RunnerSnapshot, RunnerSums } from './snapshot.ts'
import { type RunningOfRunner, stoppingOf, TaskWatch } from './task-watch.ts'

/** How many tasks the list of those that run for longest has. */
const maxLongest = 5

/** With more runners than this, the busiest are chosen less often than samples are taken. */
const manyRunners = 1000
const chooseEveryMs = 1000
/** By so much a runner must be busier than one that is shown, to be shown in its place. */
const stickiness = 1.5

/** What a watch of a pool needs of the inspector. */
export interface PoolWatchOptions {
  readonly maxRunners: number
  readonly now: () => number
  /** Ids are not used twice, in whichever pool. */
  readonly nextId: () => number
}

interface Reading {
  readonly watch: RunnerWatch
  readonly stats: RunnerStats
}

/** Reads a pool for the page. Between `start` and `stop` it observes the tasks; otherwise it costs nothing. */
export class PoolWatch {
  readonly pool: ThreadPool<never>
  readonly #options: PoolWatchOptions
  readonly #fixed: { readonly executor: string; readonly slots: number | null }
  #watches = new Map<TaskRunner, RunnerWatch>()
  /** Those that are shown. */
  #readings: readonly Reading[] = []
  #sums: { readonly all: RunnerSums; readonly rest: RunnerSums } = { all: noSums(), rest: noSums() }
  #choice = 0
  #choseAt = 0
  #tasks: TaskWatch | undefined
  #observing: Disposable | undefined

  constructor(pool: ThreadPool<never>, options: PoolWatchOptions) {
    this.pool = pool
    this.#options = options
    const { executor, slots } = pool.stats()
    this.#fixed = { executor, slots }
  }

  start(): void {
    this.#tasks = new TaskWatch(this.#options.now)
    this.#observing = this.pool.addObserver(this.#tasks)
    this.#tasks.takeIn(this.pool.runners)
  }

  /** What is paused stays so, and can be resumed. */
  stop(): void {
    this.#observing?.[Symbol.dispose]()
    this.#tasks = undefined
    this.#readings = []
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
   * Reads the runners that are shown, and every runner where that is quick or a second has passed: a millisecond at a time,
   * so it is not one moment that is read. Undefined once `stop` was called.
   */
  async read(): Promise<PoolSnapshot | undefined> {
    const tasks = this.#tasks
    if (tasks === undefined) return undefined
    const now = this.#options.now()
    const isQuick = this.#readings.length > 0 && this.#watches.size > manyRunners && now < this.#choseAt + chooseEveryMs
    if (isQuick) this.#readings = this.#readings.map(({ watch }) => ({ watch, stats: watch.read(this.#options.now()) }))
    else await this.#choose(now)
    if (tasks !== this.#tasks) return undefined
    const runners = this.#readings.map(({ watch }) => watch.runner)
    const running = tasks.runningOf(runners)
    const snapshots = this.#readings.map((reading) => this.#snapshotOf(reading, tasks, running.get(reading.watch.runner)))
    tasks.show(runners)
    const { name, isClosed } = this.pool
    const { all, rest } = this.#sums
    return { name, ...this.#fixed, isClosed, all, rest, runners: snapshots, longest: tasks.longest(maxLongest) }
  }

  /** Reads every runner, and chooses the busiest. */
  async #choose(now: number): Promise<void> {
    const all = noSums()
    const busiest = new Greatest<Reading>(this.#options.maxRunners)
    const choice = ++this.#choice
    await inSlices(this.pool.runners, (runner) => {
      const watch = this.#watchOf(runner)
      watch.chosenIn = choice
      const stats = watch.read(this.#options.now())
      addTo(all, stats, watch.finishedPerSecond, 1)
      const weight = watch.busyness * (this.#tasks?.laneOf(runner) === undefined ? 1 : stickiness)
      if (busiest.accepts(weight)) busiest.add(weight, { watch, stats })
    })
    this.#forgetBefore(choice, all.runners)
    this.#choseAt = now
    this.#readings = busiest.items().toSorted((a, b) => a.watch.id - b.watch.id)
    if (all.runners > this.#readings.length)
      this.#readings = this.#readings.toSorted((a, b) => b.watch.magnitude - a.watch.magnitude)
    const rest = { ...all }
    for (const { watch, stats } of this.#readings) addTo(rest, stats, watch.finishedPerSecond, -1)
    this.#sums = { all, rest }
  }

  #watchOf(runner: TaskRunner): RunnerWatch {
    let watch = this.#watches.get(runner)
    if (watch === undefined) {
      watch = new RunnerWatch(this.#options.nextId(), runner, this.#options.now())
      this.#watches.set(runner, watch)
    }
    return watch
  }

  /** Drops the runners that have closed. */
  #forgetBefore(choice: number, seen: number): void {
    if (this.#watches.size === seen) return
    for (const [runner, { chosenIn }] of this.#watches) if (chosenIn < choice) this.#watches.delete(runner)
  }

  #snapshotOf({ watch, stats }: Reading, tasks: TaskWatch, of: RunningOfRunner | undefined): RunnerSnapshot {
    const { id, runner, isPaused, finishedPerSecond } = watch
    const { closed, ...counts } = stats
    const current = of?.current ?? []
    const contents = tasks.laneOf(runner)?.take(this.#options.now(), of?.others ?? [])
    return {
      ...counts,
      id,
      maxConcurrency: finiteOrNull(runner.maxConcurrency),
      isClosed: closed,
      isPaused,
      finishedPerSecond,
      load: contents?.load ?? 0,
      slices: contents?.slices ?? [],
      current: current.length === 0 && stats.running > 0 ? stoppingOf(runner) : current,
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
  timedOut: 0,
  rejected: 0,
  finishedPerSecond: 0,
})

const counted = ['pending', 'running', 'delayed', 'completed', 'failed', 'cancelled', 'timedOut', 'rejected'] as const

const addTo = (sums: RunnerSums, stats: RunnerStats, finishedPerSecond: number, times: 1 | -1): void => {
  sums.runners += times
  sums.finishedPerSecond += times * finishedPerSecond
  for (const count of counted) sums[count] += times * stats[count]
}
