import type { RepeatingTaskHandle, TaskHandle, TaskRunner } from '@posttask/core'
import { callSite } from './call-site.ts'

/** What is pending, as `pendingTasks()` lists it. Times are on the virtual clock. */
export interface TaskInfo {
  readonly name: string
  readonly runner: string
  readonly state: 'queued' | 'delayed' | 'running'
  /** When it falls due, for a delayed or a repeating task. */
  readonly due?: number
  /** The interval of a repeating task. */
  readonly every?: number
  /** What a running task waits for, as far as known. */
  readonly waits: readonly string[]
  /** A running task that waits for something the environment does not know. */
  readonly foreign: boolean
  /** Posted with `unref`: nobody minds if it is left over. */
  readonly background: boolean
  /** `file:line:column` of the post; empty where sites are not recorded. */
  readonly postedAt: string
}

type Handle = TaskHandle | RepeatingTaskHandle

/** A pending task, with what it is about. */
export interface PendingTask {
  readonly info: TaskInfo
  readonly handle: Handle
  readonly runner: TaskRunner
}

interface Posted {
  readonly runner: TaskRunner
  readonly handle: Handle
  readonly name: string
  readonly due: number | undefined
  readonly interval: number | undefined
  readonly unref: boolean
  readonly site: { readonly stack?: string } | undefined
}

/** One thing that a task may wait for. */
export interface Wait {
  readonly what: string
  readonly on: TaskHandle | PromiseLike<unknown> | undefined
  isOver: boolean
}

const ended: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'rejected', 'stopped', 'closed'])

/** A task, as far as it is known: the body of a test is none. */
const isEnded = (handle: Handle): boolean => ended.has(handle.state)

const isHandle = (on: Wait['on']): on is TaskHandle => on !== undefined && 'state' in on

const isActive = ({ on, isOver }: Wait): boolean => !isOver && !(isHandle(on) && isEnded(on))

/** Knows every task that was posted and is not over, and what the running ones wait for. */
export class TaskLedger {
  #posted: Posted[] = []
  #sweepAt = 256
  readonly #running = new Map<TaskHandle, TaskRunner>()
  readonly #waits = new Map<TaskHandle | undefined, Wait[]>()
  readonly #recordsSites: boolean

  constructor(recordsSites: boolean) {
    this.#recordsSites = recordsSites
  }

  add(
    runner: TaskRunner,
    handle: Handle,
    name: string,
    due: number | undefined,
    interval: number | undefined,
    unref: boolean,
  ): void {
    if (this.#posted.length >= this.#sweepAt) {
      this.#posted = this.#live()
      this.#sweepAt = Math.max(256, this.#posted.length * 2)
    }
    this.#posted.push({ runner, handle, name, due, interval, unref, site: this.#recordsSites ? captureSite() : undefined })
  }

  started(handle: TaskHandle, runner: TaskRunner): void {
    this.#running.set(handle, runner)
  }

  finished(handle: TaskHandle): void {
    this.#running.delete(handle)
    this.#waits.delete(handle)
  }

  /** The body of a test waits under `undefined`. */
  wait(task: TaskHandle | undefined, what: string, on: Wait['on']): Wait {
    const wait: Wait = { what, on, isOver: false }
    const waits = this.#waits.get(task)
    if (waits === undefined) this.#waits.set(task, [wait])
    else {
      // A task that waits again and again, and never for two things at once, keeps a list of one.
      while (waits.length > 0 && !isActive(waits.at(-1) as Wait)) waits.pop()
      waits.push(wait)
    }
    const over = (): void => {
      wait.isOver = true
    }
    if (on !== undefined && !isHandle(on)) on.then(over, over)
    return wait
  }

  waitsOf(task: TaskHandle | undefined): readonly Wait[] {
    return this.#waits.get(task)?.filter(isActive) ?? []
  }

  get running(): ReadonlyMap<TaskHandle, TaskRunner> {
    return this.#running
  }

  /** True where a running task waits for something unknown. */
  get hasForeignWait(): boolean {
    for (const task of this.#running.keys()) if (this.waitsOf(task).length === 0) return true
    return false
  }

  /** True if a task is queued, delayed or running. */
  get isPending(): boolean {
    return this.#running.size > 0 || this.#posted.some(({ handle }) => !isEnded(handle))
  }

  /** True where a task remains that is neither repeating nor in the background. */
  get hasForeground(): boolean {
    return this.#posted.some(({ handle, interval, unref }) => interval === undefined && !unref && !isEnded(handle))
  }

  /** Every task that is not over, by the order of the posts. */
  list(): readonly PendingTask[] {
    const live = this.#live().map(
      (posted): PendingTask => ({ info: this.#inform(posted), handle: posted.handle, runner: posted.runner }),
    )
    const known = new Set<Handle>(live.map(({ handle }) => handle))
    for (const [handle, runner] of this.#running) {
      const isTick = live.some(
        ({ info, runner: on }) =>
          on === runner && info.every !== undefined && info.state === 'running' && info.name === handle.name,
      )
      if (known.has(handle) || isTick) continue
      const info = this.#inform({
        runner,
        handle,
        name: handle.name,
        due: undefined,
        interval: undefined,
        unref: false,
        site: undefined,
      })
      live.push({ info, handle, runner })
    }
    return live
  }

  #live(): Posted[] {
    return this.#posted.filter(({ handle }) => !isEnded(handle))
  }

  #inform({ runner, handle, name, due, interval, unref, site }: Posted): TaskInfo {
    const repeats = 'runCount' in handle
    const state =
      handle.state === 'running'
        ? 'running'
        : handle.state === 'queued' || (repeats && handle.nextDue === undefined)
          ? 'queued'
          : 'delayed'
    const nextDue = repeats ? handle.nextDue : due
    const waits = state === 'running' && !repeats ? this.waitsOf(handle).map(({ what }) => what) : []
    return {
      name,
      runner: runner.name,
      state,
      ...(state === 'delayed' && nextDue !== undefined && { due: nextDue }),
      ...(interval !== undefined && { every: interval }),
      waits,
      foreign: state === 'running' && !repeats && waits.length === 0,
      background: unref,
      postedAt: site === undefined ? '' : callSite(site.stack ?? ''),
    }
  }
}

const captureSite = (): { readonly stack?: string } => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 20
  const site: { readonly stack?: string } = new Error('posted')
  Error.stackTraceLimit = stackTraceLimit
  return site
}
