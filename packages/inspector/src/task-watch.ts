import type {
  Observer,
  RunningTask as Running,
  TaskEvent,
  TaskFinishedEvent,
  TaskPostedEvent,
  TaskRejectedEvent,
  TaskRunner,
} from '@posttask/core'
import { Lane } from './lane.ts'
import { siteOf } from './site-of.ts'
import type { RunningSnapshot } from './snapshot.ts'

/** Posts of tasks that wait, kept for their posting sites. */
const maxPosts = 100_000
/** Running tasks that a sample looks at, the oldest first. */
const maxLookedAt = 5000
const maxCurrent = 4

interface RunningTask {
  readonly id: number
  readonly name: string
  readonly runner: TaskRunner
  /** Or when the watch began, for one whose start nobody measured. */
  readonly startedAt: number
  readonly isAgeKnown: boolean
  /** Undefined while nobody has asked for it. */
  post: Post | undefined
}

/** What is kept of a post. */
type Post = Pick<TaskPostedEvent, 'origin'>

/** The running tasks of a runner. */
export interface RunningOfRunner {
  readonly current: RunningSnapshot[]
  /** When those that are not in `current` were started. */
  readonly others: number[]
}

/** Sees the tasks of a pool while somebody watches: what runs, and what became of those on the lanes that are shown. */
export class TaskWatch implements Observer {
  readonly #now: () => number
  readonly #posts = new Map<number, TaskPostedEvent>()
  /** In order of their start. */
  readonly #running = new Map<number, RunningTask>()
  #lanes: ReadonlyMap<TaskRunner, Lane> = new Map()
  #tracesOrigin = false

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes in what these runners run already. To be called when the watch begins. */
  takeIn(runners: readonly TaskRunner[]): void {
    const now = this.#now()
    const found = runners.flatMap((runner) => runner.runningTasks().map((running) => ({ runner, running })))
    for (const { runner, running } of found.sort((a, b) => ageOf(b.running) - ageOf(a.running))) {
      const { task, name, runMs } = running
      // The outcome of others is known: nobody would say when they have stopped.
      if (task.state !== 'running') continue
      this.#tracesOrigin ||= running.origin !== undefined
      const startedAt = now - (runMs ?? 0)
      this.#running.set(task.id, { id: task.id, name, runner, startedAt, isAgeKnown: runMs !== undefined, post: running })
    }
  }

  onPosted(event: TaskPostedEvent): void {
    // Reading an origin is cheap where there is none, and costs microseconds where there is one.
    if (!this.#tracesOrigin && event.origin === undefined) return
    this.#tracesOrigin = true
    if (this.#posts.size < maxPosts) this.#posts.set(event.task.id, event)
  }

  onStarted({ task, name, runner }: TaskEvent): void {
    const { id } = task
    this.#running.set(id, { id, name, runner, startedAt: this.#now(), isAgeKnown: true, post: this.#takePost(id) })
  }

  onFinished(event: TaskFinishedEvent): void {
    const { id } = event.task
    const task = this.#running.get(id)
    const post = task === undefined ? this.#takePost(id) : task.post
    if (task !== undefined) this.#running.delete(id)
    this.#lanes.get(event.runner)?.finished(event, this.#now(), () => siteOf(post))
  }

  onRejected({ task }: TaskRejectedEvent): void {
    this.#takePost(task.id)
    // It was on its way, in a batch whose thread was lost.
    this.#running.delete(task.id)
  }

  /** The lane of a runner that was shown in the last sample. */
  laneOf(runner: TaskRunner): Lane | undefined {
    return this.#lanes.get(runner)
  }

  /** From now on these runners have a lane, and no others. */
  show(runners: readonly TaskRunner[]): void {
    const now = this.#now()
    this.#lanes = new Map(runners.map((runner) => [runner, this.#lanes.get(runner) ?? new Lane(now)]))
  }

  /** The running tasks of these runners. */
  runningOf(runners: readonly TaskRunner[]): ReadonlyMap<TaskRunner, RunningOfRunner> {
    const found = new Map<TaskRunner, RunningOfRunner>(runners.map((runner) => [runner, { current: [], others: [] }]))
    let looked = 0
    for (const task of this.#running.values()) {
      if (++looked > maxLookedAt) break
      const of = found.get(task.runner)
      if (of === undefined) continue
      if (of.current.length < maxCurrent) of.current.push(this.#snapshotOf(task))
      else of.others.push(task.startedAt)
    }
    return found
  }

  /** Those that have been running for longest. */
  longest(count: number): RunningSnapshot[] {
    const found: RunningSnapshot[] = []
    for (const task of this.#running.values()) {
      if (found.length === count) break
      found.push(this.#snapshotOf(task))
    }
    return found
  }

  #takePost(id: number): TaskPostedEvent | undefined {
    if (!this.#tracesOrigin) return undefined
    const post = this.#posts.get(id)
    this.#posts.delete(id)
    return post
  }

  #snapshotOf(task: RunningTask): RunningSnapshot {
    const { id, name, runner, startedAt, isAgeKnown } = task
    // It was posted before the watch began.
    if (this.#tracesOrigin) task.post ??= runner.runningTasks().find((running) => running.task.id === id) ?? { origin: undefined }
    const ageMs = this.#now() - startedAt
    return { id, name, runner: runner.name, ageMs, isAgeKnown, isCancelled: false, site: siteOf(task.post) }
  }
}

/** Those whose start nobody measured are the oldest. */
const ageOf = ({ runMs }: Running): number => runMs ?? Number.MAX_VALUE

/** Tasks that were cancelled and have not stopped (C2): they hold their slots, and no event will say when that ends. */
export const stoppingOf = (runner: TaskRunner): RunningSnapshot[] =>
  runner
    .runningTasks()
    .filter(({ task }) => task.state !== 'running')
    .slice(0, maxCurrent)
    .map((running) => ({
      id: running.task.id,
      name: running.name,
      runner: runner.name,
      ageMs: running.runMs ?? 0,
      isAgeKnown: running.runMs !== undefined,
      isCancelled: true,
      site: siteOf(running),
    }))
