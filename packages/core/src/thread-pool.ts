import { type AsyncScope, captureAsyncContext } from './async-context.ts'
import { Batches } from './batches.ts'
import type { Clock } from './clock.ts'
import { currentTask, trackRunners } from './current-task.ts'
import { DelayQueue } from './delay-queue.ts'
import { describePool } from './describe-pool.ts'
import { PoolClosedError, SequenceDeadlockError, TaskCancelledError } from './errors.ts'
import type { Executor } from './executor.ts'
import { type HookOptions, Hooks } from './hooks.ts'
import { HostTurn } from './host-turn.ts'
import type { Observer } from './observer.ts'
import { type CloseOptions, type CloseReport, PoolClosing } from './pool-closing.ts'
import { type PoolStats, poolStatsOf } from './pool-stats.ts'
import { Pump } from './pump.ts'
import { OutcomeCounters } from './runner-stats.ts'
import { Sleep } from './sleep.ts'
import { StallWatch } from './stall-watch.ts'
import type { Task } from './task.ts'
import type { TaskRecord } from './task-record.ts'
import type { RunnerKind, TaskRunner } from './task-runner.ts'
import { TaskYield } from './task-yield.ts'
import type { TestSeam } from './test-seam.ts'
import { checkedCount, checkedTime } from './traits.ts'
import { edgesOf, type TaskWait } from './wait-edge.ts'

/** Options of a pool. Times are milliseconds. */
export interface ThreadPoolOptions<Accepts extends Task = Task> extends HookOptions {
  /** What runs the tasks: one of the backend packages. It belongs to this pool from now on. */
  readonly executor: Executor<Accepts>
  /** Shown in errors and statistics. Default `pool-1`, `pool-2`, ... */
  readonly name?: string | undefined
  /** After this wait a runner rises by one level of priority (P4). Default 1000; `Infinity` turns aging off. */
  readonly agingMs?: number | undefined
  /** The most best-effort tasks at a time (P5). Default: all slots but one, and at least one. */
  readonly maxBestEffort?: number | undefined
  /** How long the event loop may have to wait while tasks run on it (E1). Default 5. */
  readonly turnBudgetMs?: number | undefined
  /** False: tasks run in no poster's async context, which costs nothing (E4). Default true. */
  readonly asyncContext?: boolean | undefined
  /** Measure `waitMs` and `runMs`. Default: only with an observer. */
  readonly timing?: boolean | undefined
  /** A task that runs for so long is told of by `onStall`. Implies `timing`. Default: none is. */
  readonly stallWarningMs?: number | undefined
  /** Remember where each task was posted from (E5). Costs microseconds a post. */
  readonly traceOrigin?: boolean | undefined
  /** Know the current runner after an `await` too. Slows every `await` of the process on Node 20 and 22. */
  readonly trackRunner?: boolean | undefined
}

let pools = 0
const executorsInUse = new WeakSet<object>()

/**
 * The brain: which runner's task goes next, when delayed tasks fall due, what shutdown does. Used once: a closed pool
 * refuses everything (W6). Chromium's `base::ThreadPool`, as an object instead of a singleton.
 */
export class ThreadPool<Accepts extends Task = Task> implements AsyncDisposable {
  readonly name: string
  /** @internal */
  readonly executor: Executor<Accepts>
  /** @internal */
  readonly clock: Clock
  /** @internal */
  readonly hooks: Hooks
  /** @internal */
  readonly turn: HostTurn
  /** @internal */
  readonly pump: Pump
  /** @internal */
  readonly batches: Batches | undefined
  /** @internal */
  readonly delays: DelayQueue
  /** @internal */
  readonly stalls: StallWatch | undefined
  /** @internal */
  readonly agingMs: number
  /** @internal */
  readonly tracksRunner: boolean
  /** @internal */
  readonly tracesOrigin: boolean
  /** @internal */
  readonly accepts: { readonly closures: boolean; readonly boundTasks: boolean }
  readonly #runners = new Set<TaskRunner>()
  /** What became of the tasks of runners that are gone. */
  readonly #past = new OutcomeCounters()
  readonly #names = new Map<string, number>()
  readonly #timing: boolean
  readonly #asyncContext: boolean
  /** Tasks run in the async context of their poster (E4): they run on this event loop, and `asyncContext` is not off. */
  readonly bringsContext: boolean
  /** @internal */
  readonly seam: TestSeam | undefined
  #lastId = 0
  #closing: PoolClosing<Accepts> | undefined

  constructor(options: ThreadPoolOptions<Accepts>) {
    const executor = options?.executor
    if (typeof executor?.execute !== 'function') {
      throw new TypeError('new ThreadPool({ executor }) needs an executor, such as inlineExecutor() of @posttask/backend-inline')
    }
    if (executorsInUse.has(executor))
      throw new TypeError(`executor "${executor.name}" belongs to another pool; make one for each pool`)
    const agingMs = options.agingMs ?? 1000
    if (!(typeof agingMs === 'number' && agingMs >= 0))
      throw new RangeError(`agingMs must be a number of milliseconds, zero or more, or Infinity, not ${String(agingMs)}`)
    const slots = executor.maxConcurrency
    const asyncContext = options.asyncContext ?? true
    this.name = options.name ?? `pool-${++pools}`
    this.executor = executor
    this.clock = executor.clock
    this.agingMs = agingMs
    this.turn = new HostTurn(this.clock)
    this.pump = new Pump(this.clock, this.turn, {
      slots,
      agingMs,
      maxBestEffort: checkedCount(options.maxBestEffort ?? Math.max(1, slots - 1), 'maxBestEffort'),
      turnBudgetMs: checkedTime(options.turnBudgetMs ?? 5, 'turnBudgetMs'),
      isNeutral: !asyncContext,
    })
    this.batches = Batches.for(executor as Executor<never>, this.pump)
    this.delays = new DelayQueue(this.clock)
    this.hooks = new Hooks(options)
    const { stallWarningMs } = options
    if (stallWarningMs !== undefined)
      this.stalls = new StallWatch(this.clock, this.delays, this.hooks, checkedTime(stallWarningMs, 'stallWarningMs'))
    this.#timing = options.timing === true || stallWarningMs !== undefined
    this.tracesOrigin = options.traceOrigin ?? false
    this.tracksRunner = options.trackRunner ?? false
    if (this.tracksRunner) trackRunners()
    this.#asyncContext = asyncContext
    this.seam = this.clock.seam
    this.bringsContext = asyncContext && executor.capabilities.boundary === 'inline'
    this.accepts = { closures: executor.accepts.includes('closure'), boundTasks: executor.accepts.includes('bound') }
    executorsInUse.add(executor)
    executor.onStrayError = (error) => this.hooks.stray({ pool: this.name, executor: executor.name, error })
  }

  /** The runners that are not closed yet, in order of their creation. */
  get runners(): readonly TaskRunner[] {
    return [...this.#runners]
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Adds an observer; disposing what it returns takes it out again. */
  addObserver(observer: Observer): Disposable {
    return this.hooks.add(observer)
  }

  /** Nothing new starts while a fence is held. Running tasks go on; closing the pool lifts it. */
  fence(): Disposable {
    return this.pump.fence(false)
  }

  /** No best-effort task starts while this fence is held. */
  bestEffortFence(): Disposable {
    return this.pump.fence(true)
  }

  stats(): PoolStats {
    return poolStatsOf(this as ThreadPool<never>, this.#past)
  }

  /**
   * The pool in words, for a log or a person: what runs and for how long, what it waits for, what waits behind it and for how
   * long, and what is delayed, paused or fenced. Times are there with `timing`, `stallWarningMs` or an observer; posting sites
   * with `traceOrigin`. The wording may change.
   */
  describe(): string {
    return describePool(this as ThreadPool<never>)
  }

  /** What the running tasks have asked for and not got yet, so that they may wait for it (W3), as far as it is known. */
  waits(): readonly TaskWait[] {
    return this.runners.flatMap((runner) => runner.holders.flatMap(edgesOf))
  }

  /**
   * Closes the runners in reverse order of their creation, each as {@link TaskRunner.close} does, then the executor.
   * Past `signalAfterMs` it cancels what still runs, `block-shutdown` tasks included, with a `PoolClosedError` as the reason,
   * and waits on (C2); past `timeoutMs` it terminates what is left (W6). A later call may set either anew. Every call gets the
   * same report.
   * @throws RangeError for a time that is none
   * @throws SequenceDeadlockError from a task of this pool, which would wait for itself (W3); the pool closes all the same
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    const { timeoutMs, signalAfterMs } = options
    if (timeoutMs !== undefined) checkedTime(timeoutMs, 'timeoutMs')
    if (signalAfterMs !== undefined) checkedTime(signalAfterMs, 'signalAfterMs')
    this.#closing ??= new PoolClosing(this)
    const report = this.#closing.close({ timeoutMs, signalAfterMs })
    const task = currentTask()
    return task?.isHolding && task.runner.pool === (this as ThreadPool<never>) ? this.#deadlock(task, report) : report
  }

  /** Drops everything, aborts what runs, and ends the threads at once. */
  terminate(): Promise<CloseReport> {
    this.#closing ??= new PoolClosing(this)
    return this.#closing.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  takeId(): number {
    return ++this.#lastId
  }

  /** @internal What `takeId` gives next. */
  get nextId(): number {
    return this.#lastId + 1
  }

  /** @internal */
  get isTimed(): boolean {
    return this.#timing || this.hooks.observed
  }

  /** @internal The poster's async context for a task that runs here (E4). */
  captureScope(): AsyncScope | undefined {
    return this.bringsContext ? captureAsyncContext() : undefined
  }

  /** @internal The same for the progress that it reports here, wherever it runs: the task may change its own. */
  captureProgressScope(): AsyncScope | undefined {
    return this.#asyncContext ? captureAsyncContext() : undefined
  }

  /** @internal The default name of a runner. */
  nameFor(kind: RunnerKind): string {
    const number = (this.#names.get(kind) ?? 0) + 1
    this.#names.set(kind, number)
    return `${kind}-${number}`
  }

  /** @internal A runner is made, and complete. */
  add(runner: TaskRunner): void {
    this.#runners.add(runner)
    this.hooks.runnerOpened(runner)
  }

  /** @internal */
  refuseIfClosed(kind: RunnerKind): void {
    if (this.#closing !== undefined)
      throw new PoolClosedError(`pool "${this.name}" is closed; make a new pool, then the ${kind} runner`)
  }

  /** @internal */
  remove(runner: TaskRunner): void {
    if (!this.#runners.delete(runner)) return
    runner.handCountsTo(this.#past)
    this.hooks.runnerClosed(runner)
  }

  /** @internal A task that had been accepted will not run. */
  onDropped(record: TaskRecord): void {
    this.#closing?.onLost(record, 'dropped')
  }

  /** @internal A task was running when the pool was terminated. */
  onTerminated(record: TaskRecord): void {
    this.#closing?.onLost(record, 'terminated')
  }

  /** @internal */
  sleep(record: TaskRecord, ms: number): Promise<void> {
    checkedTime(ms, 'the time of context.sleep')
    const over = this.#waitIsOver(record, 'sleep')
    return over ?? new Sleep(record, this.takeId(), ms, this.delays, this.clock.now(), this.clock.seam).promise
  }

  /** @internal */
  yieldTask(record: TaskRecord): Promise<void> {
    const over = this.#waitIsOver(record, 'yield')
    if (over !== undefined) return over
    // One slot was given up, and one is taken back, however many ask.
    for (const wait of record.extras?.waits ?? []) if (wait instanceof TaskYield) return wait.promise
    const entry = new TaskYield(record, this.pump, record.runner.levelOfRunning(record))
    // A clock that drives the pool comes to the pump in a turn of its own.
    if (this.clock.nextPump !== undefined) entry.hasTurned = true
    else {
      this.clock.nextTurn(() => {
        entry.hasTurned = true
      })
    }
    this.pump.update(entry, true)
    this.seam?.wait?.(record, 'yield', entry.promise)
    return entry.promise
  }

  #waitIsOver(record: TaskRecord, what: string): Promise<never> | undefined {
    if (record.aborted) return Promise.reject(record.abortReason)
    if (!record.isHolding)
      return Promise.reject(
        new TaskCancelledError(`context.${what} of task "${record.name}" was called after the task had ended`),
      )
    return undefined
  }

  #deadlock(task: TaskRecord, report: Promise<CloseReport>): Promise<CloseReport> {
    report.catch(() => {})
    const error = new SequenceDeadlockError(
      `task "${task.name}" on runner "${task.runner.name}" waits for its own pool "${this.name}" to close; call close() without await, or outside of the pool's tasks`,
    )
    const refused = Promise.reject(error)
    // Closing without waiting is fine.
    refused.catch(() => {})
    return refused
  }
}
