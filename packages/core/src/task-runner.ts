import type { AsyncScope } from './async-context.ts'
import { beginChange, endChange } from './callbacks.ts'
import { currentTask } from './current-task.ts'
import { SequenceDeadlockError } from './errors.ts'
import { LevelBucket } from './level-bucket.ts'
import { type MapOptions, type MapOutcome, type Mapper, type MapResult, mapTasks } from './map-tasks.ts'
import { oldestAges } from './oldest-ages.ts'
import { checkOptions, checkTask } from './post-checks.ts'
import type { FullPolicy } from './queue-bound.ts'
import { RepeatingTask, type RepeatingTaskHandle, type RepeatOptions } from './repeating-task.ts'
import { type RunHandle, refusedTask, SpawnedTask } from './run-handle.ts'
import { ClosableRunner } from './runner-closing.ts'
import type { RunnerStats } from './runner-stats.ts'
import { type RunningTask, runningTasksOf } from './running-task.ts'
import { abortable } from './signal-group.ts'
import type { Closure, PostOptions, Task, TaskContext, TaskHandle, TaskPriority, TaskResult } from './task.ts'
import { type ReplyOptions, ReplySink } from './task-and-reply.ts'
import { taskName } from './task-extras.ts'
import type { TaskSummary } from './task-history.ts'
import { isSameKey } from './task-label.ts'
import { PackedTask } from './task-pack.ts'
import type { Bucket } from './task-queue.ts'
import { delayed, isBarrier, type Resolve, reportsToPromise, type TaskRecord } from './task-record.ts'
import type { ThreadPool } from './thread-pool.ts'
import { checkedCount, checkedTime, levelOf, priorityOf } from './traits.ts'
import { addEdge, type WaitCall, WaitEdge } from './wait-edge.ts'
import { WaitPromise } from './wait-promise.ts'

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
  /** True: the runner takes posts, and starts nothing before `resume()`. Default false. */
  paused?: boolean | undefined
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
  /** @internal One of its tasks has waited for a runner. */
  hasWaiters = false
  #awaited = 0
  #birthPause: Disposable | undefined

  /** @internal */
  constructor(
    pool: ThreadPool<Accepts>,
    kind: RunnerKind,
    maxConcurrency: number,
    options: RunnerOptions,
    makeBucket?: () => Bucket,
  ) {
    const { name, priority, queueLimit, onFull, history, paused } = options ?? {}
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
    if (paused) this.#birthPause = this.addPause()
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
    return this.runFor(undefined, task, options)
  }

  /** @internal `run` on the sequence of a key. */
  runFor<Posted extends Accepts>(key: unknown, task: Posted, options: RunOptions | undefined): Promise<TaskResult<Posted>> {
    const delay = options?.delay === undefined ? 0 : checkedTime(options.delay, 'delay')
    const current = currentTask()
    // Only a task that runs can wait, and only for its waits is there something to pay (W3).
    const waiter = current?.isHolding ? current : undefined
    if (waiter !== undefined && this.#isBehind(waiter, key))
      return this.#refuseDeadlock(waiter, 'run()', 'postTask() hands work over without waiting')
    const promise = waiter === undefined ? new Promise<unknown>(keepResolve) : new WaitPromise<unknown>(keepResolve)
    const pack = key === undefined && waiter === undefined ? this.packFor(task, options) : undefined
    if (pack !== undefined) {
      this.pack(pack, task as Closure, this.pool.takeId(), resolveLatest)
      resolveLatest = ignore
      return promise as Promise<TaskResult<Posted>>
    }
    const record = this.submit(task, options, resolveLatest, reportsToPromise, delay, undefined, key)
    resolveLatest = ignore
    if (waiter !== undefined) this.#waitFor(waiter, 'run', record, promise as WaitPromise<unknown>)
    this.pool.seam?.wait?.(current, `run ${this.name}/${record.name}`, record)
    return promise as Promise<TaskResult<Posted>>
  }

  /**
   * As `run`, and gives a handle at once: it cancels the task without a signal made for that, and `result` is what `run`
   * would return. A failure that is not awaited is an unhandled rejection; a cancellation by this handle is not.
   * @throws TypeError, RangeError at the call for bad arguments (F6, D2)
   */
  spawn<Posted extends Accepts>(task: Posted, options?: RunOptions): RunHandle<TaskResult<Posted>> {
    return this.spawnFor(undefined, task, options)
  }

  /** @internal `spawn` on the sequence of a key. */
  spawnFor<Posted extends Accepts>(key: unknown, task: Posted, options: RunOptions | undefined): RunHandle<TaskResult<Posted>> {
    const delay = options?.delay === undefined ? 0 : checkedTime(options.delay, 'delay')
    const current = currentTask()
    const waiter = current?.isHolding ? current : undefined
    if (waiter !== undefined && this.#isBehind(waiter, key)) {
      const refused = this.#refuseDeadlock(waiter, 'spawn()', 'postTask() hands work over without waiting')
      const id = this.pool.takeId()
      return new SpawnedTask(refusedTask(id, options?.name ?? taskName(task, id)), refused)
    }
    const promise = waiter === undefined ? new Promise<unknown>(keepResolve) : new WaitPromise<unknown>(keepResolve)
    const record = this.submit(task, options, resolveLatest, reportsToPromise, delay, undefined, key)
    resolveLatest = ignore
    if (waiter !== undefined) this.#waitFor(waiter, 'run', record, promise as WaitPromise<unknown>)
    this.pool.seam?.wait?.(current, `spawn ${this.name}/${record.name}`, record)
    return new SpawnedTask(record, promise as Promise<TaskResult<Posted>>)
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
    return this.#wait('waitIdle', this.pool.nextId, options, () =>
      this.waiters.wait(this.pool.nextId, this.queue.size + this.running),
    )
  }

  /** As `waitIdle`, and for what those tasks post here: resolves when nothing is queued and nothing runs (W2). */
  waitQuiescent(options: WaitOptions = {}): Promise<void> {
    const untilQuiescent = async (): Promise<void> => {
      while (!options.signal?.aborted && this.queue.size + this.running > 0) {
        await this.waiters.wait(this.pool.nextId, this.queue.size + this.running)
      }
    }
    return this.#wait('waitQuiescent', Number.POSITIVE_INFINITY, options, untilQuiescent)
  }

  /**
   * A barrier: what was posted before settles first, what is posted afterwards starts when `callback`, async or not,
   * has ended (W1). Resolves or rejects with it.
   */
  flush(callback?: Closure<void>): Promise<void> {
    if (callback !== undefined && callback !== null && typeof callback !== 'function')
      throw new TypeError('flush takes a function, or nothing')
    const holder = this.#heldBy()
    if (holder !== undefined) return this.#refuseDeadlock(holder, 'flush()', 'flush from outside of its tasks')
    const current = currentTask()
    const promise = current?.isHolding ? new WaitPromise<unknown>(keepResolve) : new Promise<unknown>(keepResolve)
    const record = this.postBarrier(callback ?? ignore, resolveLatest)
    resolveLatest = ignore
    if (current?.isHolding) this.#waitFor(current, 'flush', record, promise as WaitPromise<unknown>)
    this.pool.seam?.wait?.(current, `flush ${this.name}`, promise)
    return promise as Promise<void>
  }

  /**
   * Resolves when the queue has room for a post (Q1): `await runner.ready()` before each gives back-pressure. The place is
   * the caller's: no other post takes it before the code behind that `await` has gone on. A wait that its
   * signal ends takes no place.
   */
  ready({ signal }: WaitOptions = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const holder = this.maxConcurrency === 1 && !this.bound.hasRoom ? this.#heldBy() : undefined
    if (holder !== undefined) return this.#refuseDeadlock(holder, 'ready()', 'raise queueLimit')
    if (this.isClosed) return Promise.reject(this.closedError())
    const { hasRoom } = this.bound
    const room = this.waitForRoom(signal)
    const promise = hasRoom ? room : this.#waited('ready', Number.POSITIVE_INFINITY, room, signal !== undefined)
    this.pool.seam?.wait?.(currentTask(), `ready ${this.name}`, promise)
    return promise
  }

  /** Nothing new starts until every pause is released. What runs goes on; closing the runner releases them. */
  pause(): Disposable {
    return this.addPause()
  }

  /** Ends the pause that the runner was made with (`paused: true`). Those of `pause()` stay. More than once is fine. */
  resume(): void {
    this.#birthPause?.[Symbol.dispose]()
    this.#birthPause = undefined
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
    const holder = this.#heldBy()
    if (holder !== undefined) {
      const refused = this.#refuseDeadlock(holder, 'close()', 'call it without await')
      // Closing without waiting is fine.
      refused.catch(ignore)
      return refused
    }
    this.pool.seam?.wait?.(currentTask(), `close ${this.name}`, this.closed)
    return this.#waited('close', Number.POSITIVE_INFINITY, this.closed)
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
      paused: this.isPaused,
      barrierPending: this.barriers > 0,
      ...oldestAges(this.self),
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
    if (this.barriers === 0) return this.queue.size + this.travellers
    return [...this.queue].reduce((sum, record) => sum + (record.has(isBarrier) ? 0 : 1), this.travellers)
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

  /** @internal Those that run here: what waits for its turn waits for them. */
  get holders(): readonly TaskRecord[] {
    const current = currentTask()
    const holders = [...this.inFlight]
    // One that is in its synchronous part is not in flight before it has returned a promise.
    if (current?.runner === this.self && current.isHolding && !holders.includes(current)) holders.push(current)
    return holders
  }

  /** @internal No task more may start, whatever its key. */
  get isAtLimit(): boolean {
    return this.running >= this.maxConcurrency
  }

  /**
   * @internal To be asked once for each `await` of a task that waits for this runner: true if that may become part of a cycle.
   * To look at the `await` costs microseconds, so a runner of whose tasks none has ever waited is believed after a while.
   */
  mayLeadBack(): boolean {
    return this.hasWaiters || this.pool.executor.maxConcurrency !== Number.POSITIVE_INFINITY || this.#awaited++ < trialAwaits
  }

  /** @internal A task with an order below `until` waits for its turn. */
  hasQueued(until: number): boolean {
    const { oldest } = this.queue
    if (oldest !== undefined && oldest.order < until) return true
    // Barriers are no one's oldest.
    return this.barriers > 0 && [...this.queue].some(({ order }) => order < until)
  }

  /** @internal A barrier waits that must have ended before `record` starts. */
  hasBarrierAhead(record: TaskRecord): boolean {
    const isAhead = (other: TaskRecord): boolean =>
      other.has(isBarrier) && other !== record && (record.code === delayed || other.order < record.order)
    return this.barriers > 0 && [...this.queue].some(isAhead)
  }

  /** True if another task of `key` would have to wait for `holder`. */
  #isBehind(holder: TaskRecord, key: unknown): boolean {
    const isMine = holder.runner === this.self
    return isMine && (this.maxConcurrency === 1 || (this.kind === 'keyed' && isSameKey(holder.extras?.key, key)))
  }

  /** The current task, if it is one of this runner and has not ended. */
  #heldBy(): TaskRecord | undefined {
    const task = currentTask()
    return task !== undefined && task.runner === this.self && task.isHolding ? task : undefined
  }

  #wait(call: 'waitIdle' | 'waitQuiescent', until: number, { signal }: WaitOptions, wait: () => Promise<void>): Promise<void> {
    const holder = this.#heldBy()
    if (holder !== undefined) return this.#refuseDeadlock(holder, `${call}()`, 'wait outside of its tasks')
    const waiting = this.#waited(call, until, signal === undefined ? wait() : abortable(signal, wait), signal !== undefined)
    this.pool.seam?.wait?.(currentTask(), `${call} ${this.name}`, waiting)
    return waiting
  }

  /** A task waits for another one: the wait fails if it closes a cycle (W3). */
  #waitFor(waiter: TaskRecord, call: 'run' | 'flush', target: TaskRecord, promise: WaitPromise<unknown>): void {
    promise.edge = addEdge(new WaitEdge(waiter, call, this.self, target, 0))
    promise.edge.fail = (error) => this.#withdraw(target, error)
  }

  /** The same for a wait that has no task of its own. */
  #waited(call: WaitCall, until: number, waiting: Promise<void>, hasSignal = false): Promise<void> {
    const waiter = currentTask()
    if (!waiter?.isHolding) return waiting
    const edge = addEdge(new WaitEdge(waiter, call, this.self, undefined, until, hasSignal))
    const promise = new WaitPromise<void>((resolve, reject) => {
      const end = (): void => edge.end()
      waiting.then(resolve, reject)
      waiting.then(end, end)
      edge.fail = (error) => {
        edge.end()
        reject(error)
      }
    })
    promise.edge = edge
    return promise
  }

  /** A task that has not started will not run: its poster would wait for it for ever. */
  #withdraw(record: TaskRecord, error: Error): void {
    this.takeOut(record)
    this.refuse(record, 'deadlock', error)
    this.dismiss(record)
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

/** From then on a runner whose tasks wait for nobody is believed to be one. */
const trialAwaits = 100
