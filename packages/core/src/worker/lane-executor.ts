import { availableParallelism } from 'node:os'
import type { Clock } from '../clock.ts'
import { PoolClosedError } from '../errors.ts'
import type { Executor, ExecutorCapabilities, Settled, TaskExecution, ThreadExecutor, ThreadOptions } from '../executor.ts'
import { systemClock } from '../system-clock.ts'
import type { BoundTask } from '../task.ts'
import { maxBatch } from './board.ts'
import { Job } from './job.ts'
import { Lane, type LaneSettings } from './lane.ts'
import { executeOn, LaneThread } from './lane-thread.ts'
import { RunTimes } from './run-times.ts'
import type { ThreadHolder } from './thread-holder.ts'

/** Options of every executor that runs tasks on threads. Times are milliseconds. */
export interface LaneOptions {
  /** Threads that are started at once and kept. Default 0: each is started by the first task that needs it. */
  readonly minThreads?: number | undefined
  /** The most threads, and so the slots of the executor. Default: what the machine can run in parallel. */
  readonly maxThreads?: number | undefined
  /** How long a thread above `minThreads` may idle before it is ended. Default 30000; `Infinity` = for ever. */
  readonly idleTimeout?: number | undefined
  /** From the abort of a running task to the end of its thread (C3). Default 1000; 0 = at once; `Infinity` = never. */
  readonly abortGraceMs?: number | undefined
  /** Several small tasks may travel in one message. Default true. */
  readonly batch?: boolean | undefined
}

/** What differs from one library to the other. */
export interface LaneLibrary {
  readonly name: string
  makeHolder(): ThreadHolder
}

/** How one thread fares. */
export interface ThreadStats {
  /** Undefined while the thread is not started. */
  readonly threadId: number | undefined
  readonly isBusy: boolean
  /** Share of the thread's life in which its event loop was busy, 0 to 1. */
  readonly utilization: number
  /** Tasks that ended on this lane, on whichever thread. */
  readonly completed: number
  /** Threads that had to be replaced, or were released while idle and started again. */
  readonly respawns: number
}

/** What `stats()` of a thread executor tells. */
export interface LaneStats {
  readonly name: string
  readonly slots: number
  readonly busy: number
  /** Threads started so far, replacements included. */
  readonly started: number
  readonly respawns: number
  readonly threads: readonly ThreadStats[]
}

const checkedTime = (value: number, name: string): number => {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds, not ${typeof value}`)
  if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more, not ${value}`)
  return value
}

const checkedCount = (value: number, name: string, least: number): number => {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${typeof value}`)
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${name} must be an integer of ${least} or more, not ${value}`)
  return value
}

/**
 * Bound tasks on threads that a library keeps: one library pool of exactly one thread per slot, so the library never
 * queues, and order, affinity and the end of one thread are exact. Threads start when first needed, and never keep the
 * process alive.
 */
export class LaneExecutor implements Executor<BoundTask> {
  readonly name: string
  readonly accepts: readonly ['bound'] = ['bound']
  readonly clock: Clock = systemClock
  readonly maxConcurrency: number
  readonly capabilities: ExecutorCapabilities
  /** Several tasks in one message, run in order. Absent with `batch: false`. */
  declare readonly executeBatch?: (
    tasks: readonly BoundTask[],
    executions: readonly TaskExecution[],
    onSlow?: (known: readonly (Settled | undefined)[]) => void,
  ) => Promise<readonly Settled[]>
  onStrayError: ((error: unknown) => void) | undefined = undefined

  readonly #settings: LaneSettings
  readonly #minThreads: number
  readonly #idleTimeout: number
  readonly #lanes: Lane[] = []
  /** Free lanes; the one used last is used next, so the others come to rest. */
  readonly #warm: Lane[] = []
  readonly #cold: Lane[] = []
  readonly #threads = new Set<LaneThread>()
  #busy = 0
  #isSweeping = false
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(library: LaneLibrary, options: LaneOptions = {}) {
    const minThreads = checkedCount(options.minThreads ?? 0, 'minThreads', 0)
    const maxThreads = checkedCount(options.maxThreads ?? Math.max(availableParallelism(), minThreads), 'maxThreads', 1)
    if (minThreads > maxThreads) throw new RangeError(`minThreads (${minThreads}) must not be above maxThreads (${maxThreads})`)
    const batch = options.batch ?? true
    if (typeof batch !== 'boolean') throw new TypeError(`batch must be a boolean, not ${typeof batch}`)
    this.name = library.name
    this.maxConcurrency = maxThreads
    this.capabilities = {
      boundary: 'thread',
      transfer: true,
      terminate: true,
      sharedMemory: true,
      maxBatch: batch ? maxBatch : 1,
    }
    if (batch) this.executeBatch = (tasks, executions, onSlow) => this.#executeBatch(tasks, executions, onSlow)
    this.#minThreads = minThreads
    this.#idleTimeout = checkedTime(options.idleTimeout ?? 30_000, 'idleTimeout')
    this.#settings = {
      clock: this.clock,
      runTimes: new RunTimes(),
      lost: new WeakSet(),
      abortGraceMs: checkedTime(options.abortGraceMs ?? 1000, 'abortGraceMs'),
      makeHolder: () => library.makeHolder(),
      onStray: (error) => this.onStrayError?.(error),
    }
    for (let index = 0; index < maxThreads; index++) this.#lanes.push(new Lane(this.#settings))
    this.#cold.push(...this.#lanes)
    for (const lane of this.#lanes.slice(0, minThreads)) {
      // Whoever posts the first task hears of a thread that does not start.
      lane.warm().catch(() => {})
      this.#warm.push(...this.#cold.splice(this.#cold.indexOf(lane), 1))
    }
  }

  execute(task: BoundTask, execution: TaskExecution): Promise<unknown> {
    const lane = this.#take(execution.name)
    return executeOn(lane, task, execution, () => this.#free(lane))
  }

  abort(execution: TaskExecution): void {
    for (const lane of this.#lanes) if (lane.isBusy) lane.abort(execution)
  }

  /**
   * How long a task of this function ran of late, in milliseconds; undefined before the first has ended. What may go
   * into one batch is decided by it.
   */
  estimate(task: BoundTask): number | undefined {
    return this.#settings.runTimes.estimate(task)
  }

  openThread(options: ThreadOptions): ThreadExecutor<BoundTask> {
    this.#checkOpen('openThread')
    const thread = new LaneThread(new Lane(this.#settings, options), () => this.#threads.delete(thread))
    this.#threads.add(thread)
    return thread
  }

  async ready(): Promise<void> {
    this.#checkOpen('ready')
    try {
      // A lane that is cold stays one that may be taken: its task waits for the thread.
      await Promise.all(this.#lanes.map((lane) => lane.warm()))
    } finally {
      for (const lane of this.#cold.splice(0)) this.#rest(lane)
    }
  }

  stats(): LaneStats {
    const threads = this.#lanes.map(({ thread, isBusy, completed, started }) => ({
      threadId: thread?.threadId,
      isBusy,
      utilization: thread?.performance.eventLoopUtilization().utilization ?? 0,
      completed,
      respawns: Math.max(0, started - 1),
    }))
    const started = this.#lanes.reduce((sum, lane) => sum + lane.started, 0)
    const respawns = threads.reduce((sum, thread) => sum + thread.respawns, 0)
    return { name: this.name, slots: this.maxConcurrency, busy: this.#busy, started, respawns, threads }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async terminate(): Promise<void> {
    this.#closing ??= Promise.resolve()
    await Promise.all([...this.#lanes.map((lane) => lane.terminate()), ...[...this.#threads].map((thread) => thread.terminate())])
  }

  async #close(): Promise<void> {
    const threads = [...this.#threads].map((thread) => thread.close())
    if (this.#busy > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await Promise.all([...threads, ...this.#lanes.map((lane) => lane.release())])
  }

  #executeBatch(
    tasks: readonly BoundTask[],
    executions: readonly TaskExecution[],
    onSlow?: (known: readonly (Settled | undefined)[]) => void,
  ): Promise<readonly Settled[]> {
    if (tasks.length === 0) return Promise.resolve([])
    if (tasks.length > maxBatch) throw new RangeError(`a batch holds at most ${maxBatch} tasks, not ${tasks.length}`)
    const lane = this.#take(executions[0]?.name)
    return new Promise((resolve) => {
      const onDone = (outcomes: readonly Settled[]): void => {
        this.#free(lane)
        resolve(outcomes)
      }
      const job = new Job(tasks, executions, onDone, onSlow)
      lane.run(job)
    })
  }

  #checkOpen(what: string): void {
    if (this.#closing !== undefined) throw new PoolClosedError(`${what}: executor "${this.name}" is closed; make a new one`)
  }

  #take(name: string | undefined): Lane {
    this.#checkOpen(`task "${name}"`)
    const lane = this.#warm.pop() ?? this.#cold.pop()
    if (lane === undefined)
      throw new Error(`executor "${this.name}" was given task "${name}" while all its ${this.maxConcurrency} slots are taken`)
    this.#busy++
    return lane
  }

  #free(lane: Lane): void {
    this.#busy--
    this.#rest(lane)
    if (this.#busy === 0) this.#onIdle?.()
  }

  #rest(lane: Lane): void {
    if (!lane.isWarm) {
      this.#cold.push(lane)
      return
    }
    this.#warm.push(lane)
    if (this.#lanes.length === this.#minThreads || this.#idleTimeout === Number.POSITIVE_INFINITY) return
    lane.idleSince = this.clock.now()
    this.#sweepAfter(this.#idleTimeout)
  }

  /** One timer for all lanes, so that a task does not cost one. */
  #sweepAfter(delay: number): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    this.clock.setTimer(delay, () => this.#sweep(), { unref: true })
  }

  #sweep(): void {
    this.#isSweeping = false
    if (this.#closing !== undefined) return
    const now = this.clock.now()
    // A lane whose thread was lost while it was idle, and did not come back, is cold.
    for (const lane of this.#warm.filter(({ isWarm }) => !isWarm)) this.#cool(lane)
    const spare = (): Lane | undefined => (this.#lanes.length - this.#cold.length > this.#minThreads ? this.#warm[0] : undefined)
    for (let lane = spare(); lane !== undefined; lane = spare()) {
      const left = lane.idleSince + this.#idleTimeout - now
      if (left > 0) {
        this.#sweepAfter(left)
        return
      }
      this.#cool(lane)
      void lane.release()
    }
  }

  #cool(lane: Lane): void {
    this.#warm.splice(this.#warm.indexOf(lane), 1)
    this.#cold.push(lane)
  }
}
