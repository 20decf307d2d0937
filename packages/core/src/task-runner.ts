import type { AsyncScope } from './async-context.ts'
import { beginChange, endChange } from './callbacks.ts'
import { currentTask } from './current-task.ts'
import { SequenceDeadlockError } from './errors.ts'
import { LevelBucket } from './level-bucket.ts'
import { type MapOptions, type MapOutcome, type Mapper, type MapResult, mapTasks } from './map-tasks.ts'
import { checkOptions, checkTask } from './post-checks.ts'
import type { FullPolicy } from './queue-bound.ts'
import { RepeatingTask, type RepeatingTaskHandle, type RepeatOptions } from './repeating-task.ts'
import { ClosableRunner } from './runner-closing.ts'
import type { RunnerStats } from './runner-stats.ts'
import { type RunningTask, runningTasksOf } from './running-task.ts'
import { abortable } from './signal-group.ts'
import type { Closure, PostOptions, Task, TaskContext, TaskHandle, TaskPriority, TaskResult } from './task.ts'
import { type ReplyOptions, ReplySink } from './task-and-reply.ts'
import { taskName } from './task-extras.ts'
import type { TaskSummary } from './task-history.ts'
import { PackedTask } from './task-pack.ts'
import type { Bucket } from './task-queue.ts'
import { isBarrier, type Resolve, reportsToPromise, type TaskRecord } from './task-record.ts'
import type { ThreadPool } from './thread-pool.ts'
import { checkedCount, checkedTime, levelOf, priorityOf } from './traits.ts'

/** Which of the runners it is. */
export type RunnerKind = 'sequenced' | 'parallel' | 'single-thread' | 'keyed'

/** Options of every runner. */
export interface RunnerOptions {
  /** Shown in errors, hooks and statistics. Default: the kind and a number. */
  name?: string | undefined
  /** Of the runner, and of every task that is posted without one. Default `user-visible`. */
  priority?: TaskPriority | undefined
  /** Whatever the owner wants to find again at `runner.metadata`. */
  metadata?: Readonly<Record<string, unknown>> | undefined
  /**
   * The most tasks that may wait, beside those that a free slot is there for (Q1). Delayed ones count from when they are due.
   * Default `Infinity`.
   */
  queueLimit?: number | undefined
  /** What happens to a post beyond `queueLimit`. Default `reject`. */
  onFull?: FullPolicy | undefined
  /**
   * How many of the tasks that ended are kept for `recentTasks`, with what they failed with; `true` = 100. Costs what
   * `timing` costs. Default: none.
   */
  history?: number | boolean | undefined
}

/** Options of `run`. */
export interface RunOptions extends PostOptions {
  /** Milliseconds before the task joins the queue (D1). */
  delay?: number | undefined
}

/** Options of the waits. */
export interface WaitOptions {
  /** Ends the wait, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** What `shutdown` gave up, and what still goes on (W4). */
export interface ShutdownReport {
  /** Tasks that will not run: queued and delayed ones. */
  readonly dropped: readonly TaskHandle[]
  /** Queued tasks that will, because they are `block-shutdown`. */
  readonly pending: number
  /** Tasks that are running. */
  readonly running: number
}

// One function for every promise of a `run`: a closure of its own would be one object more for each. Whoever used it
// forgets it, or the last result would never go.
let resolveLatest: Resolve = () => {}
const keepResolve = (resolve: Resolve): void => {
  resolveLatest = resolve
}

/**
 * A virtual thread: tasks are posted to it, and it decides when each runs. The three runners are settings of one
 * engine. Chromium's `base::TaskRunner`.
 */
export abstract class TaskRunner<Accepts extends Task = Task> extends ClosableRunner implements AsyncDisposable {
  /** Only for the compiler: a runner of threads is no runner of closures. */
  declare readonly '~accepts'?: (task: Accepts) => void

  readonly metadata: Readonly<Record<string, unknown>>

  /** @internal */
  constructor(
    pool: ThreadPool<Accepts>,
    kind: RunnerKind,
    maxConcurrency: number,
    options: RunnerOptions,
    makeBucket?: () => Bucket,
  ) {
    const { name, priority, queueLimit, onFull, history } = options ?? {}
    const isFifo = kind === 'sequenced' || kind === 'single-thread'
    super(pool, {
      kind,
      maxConcurrency,
      isFifo,
      makeBucket: makeBucket ?? (() => new LevelBucket(isFifo)),
      isDedicated: kind === 'single-thread',
      name,
      priority,
      queueLimit,
      onFull,
      history,
    })
    this.metadata = Object.freeze({ ...options?.metadata })
    // One that is made of more says itself when it is complete.
    if (kind !== 'single-thread') pool.add(this.self)
  }

  /**
   * Hands a task over. It never runs before this returns (S3). A failure goes to the pool's `onTaskError` (F2), a
   * refusal to `onTaskRejected` (W7).
   * @throws TypeError for what is no task, or none for this pool's executor (F6)
   */
  postTask(task: Accepts, options?: PostOptions): TaskHandle {
    const pack = this.packFor(task, options)
    if (pack === undefined) return this.submit(task, options, undefined, 0, 0)
    const id = this.pool.takeId()
    return new PackedTask(pack, this.pack(pack, task as Closure, id, undefined), id)
  }

  /**
   * As `postTask`, when the pool's clock says that `delay` milliseconds have passed: never before, and later if the event
   * loop is blocked (D1).
   * @throws RangeError for a delay that is negative, not finite or not a number (D2)
   */
  postDelayedTask(task: Accepts, delay: number, options?: PostOptions): TaskHandle {
    return this.submit(task, options, undefined, 0, checkedTime(delay, 'delay'))
  }

  /**
   * Runs a task again and again, never two runs at a time (D3). It ends with `stop()`, with the runner, with
   * `options.signal`, or by an error where `onError` is `stop` (D4, D5). It is a handover as `postTask` is.
   * @throws RangeError for an interval that is negative, not finite or not a number (D2)
   */
  postRepeatingTask(task: Accepts, interval: number, options: RepeatOptions = {}): RepeatingTaskHandle {
    return this.repeat(task, interval, options)
  }

  /**
   * Runs `task` here and then `reply` with its result on `replyTo`, by default the runner whose task makes this call.
   * The reply is posted: it obeys the order of its runner. A task that does not succeed skips it, and calls
   * `onError` there instead (F7). Chromium's `PostTaskAndReplyWithResult`.
   * @throws TypeError without `replyTo` outside of a task
   */
  postTaskAndReply<Posted extends Accepts>(
    task: Posted,
    reply: (result: TaskResult<Posted>, context: TaskContext) => unknown,
    options: ReplyOptions = {},
  ): TaskHandle {
    if (typeof reply !== 'function') throw new TypeError('postTaskAndReply needs a function as its reply')
    const replyTo = options.replyTo ?? currentTask()?.runner
    if (replyTo === undefined) {
      throw new TypeError(
        `postTaskAndReply on runner "${this.name}" does not know where the reply should run; pass replyTo, or call it from a task`,
      )
    }
    if (typeof replyTo?.postInScope !== 'function') throw new TypeError('replyTo of postTaskAndReply must be a task runner')
    const { replyOptions, onError } = options
    if (onError !== undefined && typeof onError !== 'function')
      throw new TypeError('onError of postTaskAndReply must be a function')
    if (replyOptions !== undefined) checkOptions(replyOptions)
    if (!replyTo.pool.accepts.closures) {
      throw new TypeError(
        `the reply of postTaskAndReply is a closure, which replyTo "${replyTo.name}" cannot run: executor "${replyTo.pool.executor.name}" takes bound tasks only`,
      )
    }
    const sink = new ReplySink(
      replyTo,
      reply as (result: unknown, context: TaskContext) => unknown,
      options,
      replyTo.pool.captureScope(),
    )
    return this.submit(task, options, sink, 0, 0)
  }

  /**
   * Runs a task and gives its outcome to the caller (F1): the value, or the very error that it threw.
   * Rejects with `RunnerClosedError`, `QueueFullError`, the reason of a cancellation, `TaskTimeoutError`,
   * `WorkerCrashedError`, and `SequenceDeadlockError` from a task of the same sequence (W3).
   * @throws TypeError, RangeError at the call for bad arguments (F6, D2)
   */
  run<Posted extends Accepts>(task: Posted, options?: RunOptions): Promise<TaskResult<Posted>> {
    return this.runBehind(this.heldFor(undefined), task, options)
  }

  /** @internal `holder`: the current task, where it holds what the new one would have to wait for (W3). */
  runBehind<Posted extends Accepts>(
    holder: TaskRecord | undefined,
    task: Posted,
    options: RunOptions | undefined,
    key?: unknown,
  ): Promise<TaskResult<Posted>> {
    const delay = options?.delay === undefined ? 0 : checkedTime(options.delay, 'delay')
    if (holder !== undefined) return this.#refuseDeadlock(holder, 'run()', 'postTask() hands work over without waiting')
    const promise = new Promise<unknown>(keepResolve)
    const pack = key === undefined ? this.packFor(task, options) : undefined
    if (pack !== undefined) {
      this.pack(pack, task as Closure, this.pool.takeId(), resolveLatest)
      resolveLatest = ignore
      return promise as Promise<TaskResult<Posted>>
    }
    const record = this.submit(task, options, resolveLatest, reportsToPromise, delay, undefined, key)
    resolveLatest = ignore
    this.pool.seam?.wait?.(currentTask(), `run ${this.name}/${record.name}`, record)
    return promise as Promise<TaskResult<Posted>>
  }

  /**
   * Runs `mapper` for each item: a closure, or a stub of `taskModule`. Items are taken from the source as results are
   * taken by the consumer, never more than `window` ahead, nor more than a bounded queue has room for (Q1). Results
   * come in the order of the items, or with `ordered: false` as they come. The first failure ends it.
   */
  map<Item, Outcome>(
    items: Iterable<Item> | AsyncIterable<Item>,
    mapper: (item: Item, context: TaskContext) => MapOutcome<Accepts, Outcome>,
    options: MapOptions = {},
  ): AsyncIterable<MapResult<Outcome>> {
    return mapTasks(this as unknown as TaskRunner, items, mapper as Mapper<Item, MapResult<Outcome>>, options)
  }

  /**
   * Resolves when everything posted before the call has settled: queued and running tasks, not those whose delay has
   * not passed (W1). It holds nothing back.
   * @throws SequenceDeadlockError (as a rejection) inside a task of this runner (W3)
   */
  waitIdle(options: WaitOptions = {}): Promise<void> {
    return this.#wait('waitIdle', options, () => this.waiters.wait(this.pool.nextId, this.queue.size + this.running))
  }

  /** As `waitIdle`, and for what those tasks post here: resolves when nothing is queued and nothing runs (W2). */
  waitQuiescent(options: WaitOptions = {}): Promise<void> {
    const untilQuiescent = async (): Promise<void> => {
      while (!options.signal?.aborted && this.queue.size + this.running > 0) {
        await this.waiters.wait(this.pool.nextId, this.queue.size + this.running)
      }
    }
    return this.#wait('waitQuiescent', options, untilQuiescent)
  }

  /**
   * A barrier: what was posted before settles first, what is posted afterwards starts when `callback`, async or not,
   * has ended (W1). Resolves or rejects with it.
   */
  flush(callback?: Closure<void>): Promise<void> {
    if (callback !== undefined && callback !== null && typeof callback !== 'function')
      throw new TypeError('flush takes a function, or nothing')
    const holder = this.heldBy()
    if (holder !== undefined) return this.#refuseDeadlock(holder, 'flush()', 'flush from outside of its tasks')
    const promise = new Promise<unknown>(keepResolve)
    this.postBarrier(callback ?? ignore, resolveLatest)
    resolveLatest = ignore
    this.pool.seam?.wait?.(currentTask(), `flush ${this.name}`, promise)
    return promise as Promise<void>
  }

  /**
   * Resolves when the queue has room for a post (Q1): `await runner.ready()` before each gives back-pressure. The place is
   * the caller's: no other post takes it before the code behind that `await` has gone on.
   */
  ready(): Promise<void> {
    const holder = this.maxConcurrency === 1 && !this.bound.hasRoom ? this.heldBy() : undefined
    if (holder !== undefined) return this.#refuseDeadlock(holder, 'ready()', 'raise queueLimit')
    if (this.isClosed) return Promise.reject(this.closedError())
    const promise = this.waitForRoom()
    this.pool.seam?.wait?.(currentTask(), `ready ${this.name}`, promise)
    return promise
  }

  /** Nothing new starts until every pause is released. What runs goes on; closing the runner releases them. */
  pause(): Disposable {
    return this.addPause()
  }

  /** Changes the priority of the runner and of everything queued that was posted without one of its own (P3). */
  updatePriority(priority: TaskPriority): void {
    this.setLevel(levelOf(priority))
  }

  /**
   * No new tasks. Queued, delayed and repeating ones are dropped, `block-shutdown` ones in the queue excepted; what
   * runs finishes (W4). Never waits, may be called from a task, twice is fine: `closed` tells when all is over.
   */
  shutdown(): ShutdownReport {
    beginChange()
    const report = { dropped: this.stop(true), pending: this.#pending, running: this.runningCount }
    endChange()
    return report
  }

  /**
   * No new tasks from outside. What is queued runs to the end, and what those tasks post here from their synchronous
   * part (with `trackRunner`, from anywhere); delayed and repeating tasks are dropped (W5). Resolves when nothing
   * runs any more, `continue-on-shutdown` tasks excepted (W8).
   * @throws SequenceDeadlockError (as a rejection) inside a task of this runner, which closes all the same (W3)
   */
  close(): Promise<void> {
    this.stop(false)
    const holder = this.heldBy()
    if (holder !== undefined) {
      const refused = this.#refuseDeadlock(holder, 'close()', 'call it without await')
      // Closing without waiting is fine.
      refused.catch(ignore)
      return refused
    }
    this.pool.seam?.wait?.(currentTask(), `close ${this.name}`, this.closed)
    return this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What became of the last tasks, newest first. Empty without the option `history`. */
  recentTasks(limit: number = Number.POSITIVE_INFINITY): readonly TaskSummary[] {
    return this.history?.recent(checkedCount(limit, 'limit')) ?? []
  }

  /** What runs now, the oldest first: tasks that were cancelled and have not stopped too (C2), a flush not. */
  runningTasks(): readonly RunningTask[] {
    return runningTasksOf(this.self)
  }

  stats(): RunnerStats {
    const { completed, failed, cancelled, timedOut, rejected, waitMs, runMs } = this.counters
    return {
      name: this.name,
      kind: this.kind,
      priority: priorityOf(this.ownLevel),
      pending: this.#pending,
      delayed: this.delayedCount,
      repeating: this.repeatingCount,
      running: this.runningCount,
      completed,
      failed,
      cancelled,
      timedOut,
      rejected,
      closed: this.isClosed,
      barrierPending: this.barriers > 0,
      waitMs: waitMs?.summary(),
      runMs: runMs?.summary(),
    }
  }

  /** True inside a task of this runner, as far as `currentTaskRunner` knows. Chromium's `RunsTasksInCurrentSequence`. */
  isCurrent(): boolean {
    return currentTask()?.runner === this.self
  }

  /** @throws Error where `isCurrent` is false. For functions that touch what this runner owns; Chromium's `SEQUENCE_CHECKER`. */
  assertCurrent(): void {
    if (this.isCurrent()) return
    const actual = currentTask()?.runner.name
    throw new Error(
      `this must be called in a task of runner "${this.name}", not ${actual === undefined ? 'outside of any task' : `in one of "${actual}"`}`,
    )
  }

  /** Tasks in the queue, barriers not counted. */
  get #pending(): number {
    if (this.barriers === 0) return this.queue.size
    return [...this.queue].reduce((sum, record) => sum + (record.has(isBarrier) ? 0 : 1), 0)
  }

  /** @internal Posts a callback of ours, in the async context of somebody else. */
  postInScope(task: Closure, options: PostOptions | undefined, scope: AsyncScope | undefined): TaskHandle {
    return this.submit(task, options, undefined, 0, 0, scope)
  }

  /** @internal */
  protected repeat(task: Task, interval: number, options: RepeatOptions): RepeatingTaskHandle {
    // Checked here and now: no tick may exist before all of it is known to be right (D2, F6).
    checkTask(this.self, task)
    checkOptions(options)
    const name = options.name ?? taskName(task, 0)
    const repeating = new RepeatingTask(this.self, task, interval, options, name)
    this.addRepeating(repeating)
    this.pool.seam?.posted?.(this.self, repeating, name, repeating.nextDue, interval, options.unref ?? false)
    return repeating
  }

  /** @internal The current task, where another one of `key` would have to wait for it. */
  heldFor(key: unknown): TaskRecord | undefined {
    const holder = this.heldBy()
    const isBehind = this.maxConcurrency === 1 || (this.kind === 'keyed' && isSameKey(holder?.extras?.key, key))
    return isBehind ? holder : undefined
  }

  /** @internal The current task, where it is one of this runner and has not ended. */
  heldBy(): TaskRecord | undefined {
    const task = currentTask()
    return task !== undefined && task.runner === this.self && task.isHolding ? task : undefined
  }

  #wait(what: string, { signal }: WaitOptions, wait: () => Promise<void>): Promise<void> {
    const holder = this.heldBy()
    if (holder !== undefined) return this.#refuseDeadlock(holder, `${what}()`, 'wait outside of its tasks')
    const waiting = signal === undefined ? wait() : abortable(signal, wait)
    this.pool.seam?.wait?.(currentTask(), `${what} ${this.name}`, waiting)
    return waiting
  }

  #refuseDeadlock(holder: TaskRecord, call: string, remedy: string): Promise<never> {
    return Promise.reject(
      new SequenceDeadlockError(
        `task "${holder.name}" on runner "${this.name}" calls ${call} of its own runner, and would wait for itself for ever; ${remedy}`,
      ),
    )
  }
}

const ignore = (): void => {}

/** As a `Map` compares. */
const isSameKey = (a: unknown, b: unknown): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))
