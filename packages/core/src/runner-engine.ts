import type { AsyncScope } from './async-context.ts'
import { currentTask, runAsCurrent, setCurrent } from './current-task.ts'
import { Deadline } from './deadline.ts'
import { QueueFullError, RunnerClosedError, TaskCancelledError } from './errors.ts'
import type { ThreadExecutor } from './executor.ts'
import { IdleWaiters } from './idle-waiters.ts'
import { InFlight, promiseIn } from './in-flight.ts'
import type { RejectionReason } from './observer.ts'
import { appendOrigin, captureOrigin } from './origin.ts'
import { checkTask, flagsOf, needsExtras } from './post-checks.ts'
import { QueueRoom } from './queue-room.ts'
import { ReadyEntry } from './ready-list.ts'
import { rejectThroughAwaiters } from './rejection.ts'
import type { RepeatingTask } from './repeating-task.ts'
import { OutcomeCounters } from './runner-stats.ts'
import { SignalGroup } from './signal-group.ts'
import type { Closure, PostOptions, Task } from './task.ts'
import { TaskExtras } from './task-extras.ts'
import { TaskList } from './task-list.ts'
import { type Bucket, TaskQueue } from './task-queue.ts'
import {
  blocksShutdown,
  cancelled,
  continuesOnShutdown,
  delayed,
  failed,
  holdsSlot,
  inheritsPriority,
  isBarrier,
  isRetained,
  isTick,
  isUnref,
  queued,
  type RecordState,
  type Resolve,
  rejected,
  reportsToPromise,
  running,
  sharesSlot,
  sharesTurn,
  succeeded,
  TaskRecord,
  type TaskSink,
} from './task-record.ts'
import type { RunnerKind, TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'
import { checkedCount, levelOf } from './traits.ts'

/** What `onFull` may be (Q1). */
export type FullPolicy = 'reject' | 'drop-newest' | 'drop-oldest'

/** Settings of an engine, checked by it. */
export interface EngineOptions {
  readonly kind: RunnerKind
  readonly maxConcurrency: number
  /** Posting order, whatever the priorities (S1). */
  readonly isFifo: boolean
  /** The order in which tasks may start. */
  readonly makeBucket: () => Bucket
  readonly isDedicated: boolean
  readonly name: string | undefined
  readonly priority: PostOptions['priority']
  readonly queueLimit: number | undefined
  readonly onFull: FullPolicy | undefined
}

/** The order of a task that has not joined the queue. */
const notQueued = 0

const open = 0
/** Takes posts of its own tasks only (W5). */
const closing = 1
/** Takes none; `block-shutdown` tasks may still be queued (W4). */
const shut = 2
/** Nothing is queued, nothing runs that would be waited for. */
const finished = 3

/**
 * The one engine: a queue and N slots. It knows what is queued and what runs, tells each task its one outcome, and
 * tells the pool's pump when it has something to start.
 */
export abstract class RunnerEngine extends ReadyEntry {
  readonly name: string
  readonly kind: RunnerKind
  readonly pool: ThreadPool<never>
  /** At most so many tasks at a time. */
  readonly maxConcurrency: number
  /** @internal */
  readonly isDedicated: boolean
  /** @internal */
  protected executor: ThreadExecutor<never>
  /** @internal */
  protected readonly counters: OutcomeCounters = new OutcomeCounters()
  /** @internal */
  protected readonly queue: TaskQueue
  /** @internal */
  protected readonly waiters: IdleWaiters = new IdleWaiters()
  /** @internal The order that the next task to join the queue gets. */
  protected nextOrder = 1
  /** @internal Started, and not ended. */
  protected running = 0
  /** @internal Slots in use: tasks of one batch share theirs. */
  protected taken = 0
  /** @internal */
  protected ownLevel: number
  /** @internal Barriers that wait or run. */
  protected barriers = 0
  /** @internal Started tasks whose promise is waited for. */
  readonly inFlight: TaskList = new TaskList()
  /** @internal */
  protected readonly delayed: TaskList = new TaskList()
  /** @internal */
  protected delayedCount = 0
  /** @internal */
  protected readonly repeating: Set<RepeatingTask> = new Set()

  readonly #isFifo: boolean
  readonly #queueLimit: number
  readonly #onFull: FullPolicy
  readonly #room = new QueueRoom()
  readonly #closed: Promise<void>
  #resolveClosed: () => void = () => {}
  #state: typeof open | typeof closing | typeof shut | typeof finished = open
  #pauses = 0
  /** Barriers and ticks in the queue: they do not count in `queueLimit`. */
  #exempt = 0
  /** Running tasks that no close waits for (W8). */
  #continuing = 0
  #frontOrder = 0

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super()
    if (typeof pool?.captureScope !== 'function') throw new TypeError(`new ${new.target.name}(pool) needs a ThreadPool`)
    const { onFull } = options
    if (onFull !== undefined && onFull !== 'reject' && onFull !== 'drop-newest' && onFull !== 'drop-oldest') {
      throw new TypeError(`onFull must be reject, drop-newest or drop-oldest, not ${String(onFull)}`)
    }
    this.pool = pool
    this.kind = options.kind
    this.maxConcurrency = checkedCount(options.maxConcurrency, 'maxConcurrency')
    this.isDedicated = options.isDedicated
    this.ownLevel = levelOf(options.priority ?? 'user-visible')
    this.#isFifo = options.isFifo
    this.#queueLimit = checkedCount(options.queueLimit ?? Number.POSITIVE_INFINITY, 'queueLimit')
    this.#onFull = onFull ?? 'reject'
    this.queue = new TaskQueue(options.makeBucket)
    this.executor = pool.executor
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.name = pool.add(this.self, options.name)
  }

  /** True once `shutdown` or `close` was called. */
  get isClosed(): boolean {
    return this.#state !== open
  }

  /** Resolves when the runner is closed and nothing of it runs any more (W5, W8). */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** @internal */
  get level(): number {
    return Math.max(this.ownLevel, this.queue.highestLevel)
  }

  /** @internal In a sequence the urgent task behind pulls the one ahead along (P3). */
  get startLevel(): number {
    const next = this.peek()
    return next === undefined || this.#isFifo ? this.queue.highestLevel : next.level
  }

  /** @internal What `startLevel` was for a task that runs. */
  levelOfRunning(record: TaskRecord): number {
    return this.#isFifo ? Math.max(record.level, this.queue.highestLevel) : record.level
  }

  /** @internal Tasks that ran to their end, well or not. */
  get finished(): number {
    return this.counters.completed + this.counters.failed
  }

  /** @internal */
  get dropped(): number {
    return this.counters.dropped
  }

  /** @internal */
  extrasOf(record: TaskRecord): TaskExtras {
    return (record.extras ??= new TaskExtras())
  }

  /** @internal The single way in: every post ends here. */
  submit(
    task: Task,
    options: PostOptions | undefined,
    sink: Resolve | TaskSink | undefined,
    traits: number,
    delay: number,
    scope?: AsyncScope,
    key?: unknown,
  ): TaskRecord {
    const { pool } = this
    // A barrier's callback is ours to run, on any executor.
    if ((typeof task !== 'function' || !pool.accepts.closures) && (traits & isBarrier) === 0) checkTask(this.self, task)
    const record = new TaskRecord(this.self, pool.takeId(), task, traits | inheritsPriority | (this.ownLevel << 3), sink)
    if (options !== undefined) this.#take(record, options)
    if (key !== undefined) this.extrasOf(record).key = key
    if (pool.bringsContext) record.scope = scope ?? pool.captureScope(record)
    else if (record.extras !== undefined) record.scope = pool.captureScope(record)
    if (pool.tracesOrigin) this.extrasOf(record).origin = captureOrigin()
    if (this.#state !== open && !this.#isPostOfOwnTask()) this.#refuse(record, 'runner-closed', this.#closedError(record))
    else if (options?.signal !== undefined && !this.#join(record, options.signal)) return record
    else if (delay > 0) this.#delay(record, pool.clock.now() + delay)
    else this.#enqueue(record)
    if (pool.seam?.posted !== undefined && !record.isSettled && !record.has(isBarrier)) {
      const due = delay > 0 ? pool.delays.dueOf(record) : undefined
      pool.seam.posted(this.self, record, record.name, due, undefined, record.has(isUnref))
    }
    return record
  }

  /** @internal A record that is neither accepted nor queued yet. */
  protected prepare(task: Task, options: PostOptions, sink: TaskSink): TaskRecord {
    checkTask(this.self, task)
    const record = new TaskRecord(this.self, this.pool.takeId(), task, inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = this.pool.captureScope(record)
    return record
  }

  /** @internal */
  protected postBarrier(callback: Task, resolve: Resolve): void {
    this.queue.split(this.nextOrder)
    this.barriers++
    const record = this.submit(callback, { name: 'flush' }, resolve, reportsToPromise | isBarrier, 0)
    this.queue.split(this.nextOrder)
    if (record.isSettled) this.barriers--
    else this.update()
  }

  /** @internal */
  protected addRepeating(task: RepeatingTask): void {
    if (this.#state !== open) {
      task.end('closed')
      this.counters.count(rejected)
      return
    }
    this.repeating.add(task)
    task.schedule()
  }

  /** @internal */
  protected get queuedBarriers(): number {
    return [...this.queue].reduce((sum, record) => sum + (record.has(isBarrier) ? 1 : 0), 0)
  }

  /** @internal Shuts down, and tells those who are dropped why. */
  protected stopBecauseOf(error: Error): void {
    this.stop(true, { reason: 'runner-closed', error })
    for (const record of [...this.queue]) this.drop(record, 'runner-closed', error)
  }

  /** @internal A tick of a repeating task, due at `due`. */
  postTick(task: Task, options: PostOptions, sink: TaskSink, due: number, scope: AsyncScope | undefined): TaskRecord {
    const record = new TaskRecord(this.self, this.pool.takeId(), task, isTick | inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = scope
    if (options.signal === undefined || this.#join(record, options.signal)) this.#delay(record, due)
    return record
  }

  /** @internal */
  onDelayPassed(record: TaskRecord): void {
    this.#leaveDelayed(record)
    this.#enqueue(record)
  }

  /** @internal Puts a task ahead of everything else: `init`, or what a dead thread had not started. */
  protected requeue(record: TaskRecord): void {
    record.code = queued
    record.order = --this.#frontOrder
    this.queue.unshift(record)
    this.waiters.joined()
    if (record.has(isBarrier | isTick)) this.#exempt++
    this.#retain(record)
    this.update()
  }

  /** @internal Starts the next task, or the one that a test chose. */
  start(chosen?: TaskRecord): void {
    const record = chosen ?? (this.peek() as TaskRecord)
    const { pump, batches } = this.pool
    if (!this.isDedicated) pump.occupy(record, this.#isFifo && pump.limitsBestEffort ? this.queue.highestLevel : record.level)
    this.begin(record)
    const batch = batches === undefined || this.isDedicated ? undefined : batches.gather(this, record)
    if (this.taken < this.maxConcurrency && this.queue.available > 0) this.update()
    if (batch === undefined) this.#execute(record)
    else batches?.execute(batch)
  }

  /** @internal The task that starts next. */
  peek(): TaskRecord | undefined {
    return this.queue.peek(this.pool.pump.now, this.pool.agingMs)
  }

  /** @internal How many tasks wait that could start. */
  get available(): number {
    return this.queue.available
  }

  /** @internal Takes a task out of the queue: from here on it runs. `shares`: what it shares with others of its batch. */
  begin(record: TaskRecord, shares = 0): void {
    const { pump } = this.pool
    pump.ready.leave(this)
    this.boost = 0
    this.queue.take(record, pump.now)
    record.bits = (record.bits & ~7) | running | holdsSlot | shares
    this.running++
    if ((shares & sharesTurn) === 0) this.taken++
    if (record.has(isBarrier | isTick | continuesOnShutdown)) this.#countSpecial(record)
    if (this.#queueLimit !== Number.POSITIVE_INFINITY && this.#room.isAwaited) this.#offerRoom()
    if (record.extras !== undefined || this.pool.isTimed) this.#onStart(record)
  }

  #countSpecial(record: TaskRecord): void {
    if (record.has(isBarrier | isTick)) this.#exempt--
    if (record.has(continuesOnShutdown)) this.#continuing++
  }

  /** @internal */
  offers(free: number): readonly TaskRecord[] {
    const first = this.peek()
    return first === undefined
      ? []
      : this.queue.offers(first, Math.min(this.isDedicated ? 1 : free, this.maxConcurrency - this.taken))
  }

  /** @internal The task's promise settled, or its thread is free again. */
  ended(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    // A terminated pool has given the task up.
    if (!record.isHolding) return
    this.inFlight.remove(record)
    this.#outcome(record, state, value)
    this.#finish(record)
  }

  /** @internal The thread died before the turn of this task of a batch: it goes back to the head of the queue (F5). */
  lost(record: TaskRecord): void {
    if (record.isSettled || !record.isHolding) {
      this.ended(record, succeeded, undefined)
      return
    }
    this.inFlight.remove(record)
    this.running--
    if (!record.has(sharesTurn)) this.taken--
    if (!record.has(sharesSlot)) this.pool.pump.vacate(record)
    record.bits &= ~(holdsSlot | sharesSlot | sharesTurn)
    this.queue.ended(record)
    this.requeue(record)
  }

  /** @internal */
  cancel(record: TaskRecord, reason?: unknown): boolean {
    return this.abort(record, reason ?? new TaskCancelledError(`task "${record.name}" on runner "${this.name}" was cancelled`))
  }

  /** @internal Cancels for a reason: before the start it never runs (C1), afterwards its signal fires (C2). */
  abort(record: TaskRecord, reason: unknown): boolean {
    if (record.isSettled) return false
    if (record.code === running) {
      this.extrasOf(record)
      this.#complete(record, cancelled, reason)
      record.extras?.abort(reason)
      this.executor.abort?.(record)
    } else {
      this.#takeOut(record)
      this.#complete(record, cancelled, reason)
      this.#dismiss(record)
    }
    return true
  }

  /** @internal Takes out a tick that nobody wants any more: no task, so no outcome. */
  withdraw(record: TaskRecord): void {
    if (record.isSettled || record.isHolding) return
    this.#takeOut(record)
    record.code = cancelled
    if (record.extras !== undefined) this.#settleExtras(record, record.extras)
    this.#dismiss(record)
  }

  /** @internal */
  progress(record: TaskRecord, value: unknown): void {
    const { extras } = record
    const onProgress = extras?.onProgress
    if (onProgress === undefined || record.isSettled) return
    this.pool.hooks.guard(record, 'onProgress', () => {
      if (record.scope === undefined) onProgress(value)
      else record.scope.runInAsyncScope<undefined, [unknown], void>(onProgress, undefined, value)
    })
  }

  /** @internal */
  forget(task: RepeatingTask): void {
    this.repeating.delete(task)
  }

  /** @internal Nothing new starts until every pause is released; closing releases them. */
  protected addPause(): Disposable {
    let isHeld = !this.isClosed
    if (isHeld) this.#pauses++
    this.update()
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return
        isHeld = false
        if (this.#pauses > 0) this.#pauses--
        this.update()
      },
    }
  }

  /** @internal */
  protected setLevel(level: number): void {
    this.ownLevel = level
    this.queue.reprioritise(level)
    for (const record of this.delayed) if (record.has(inheritsPriority)) record.level = level
    this.update()
  }

  /** @internal */
  protected hasRoom(): boolean {
    return this.#room.has(this.#free)
  }

  /** @internal */
  protected waitForRoom(): Promise<void> {
    if (this.isClosed) return Promise.reject(this.#closedError(undefined))
    if (!this.hasRoom()) return this.#room.wait()
    this.#room.take()
    this.pool.pump.onTurnEnd(this)
    return Promise.resolve()
  }

  /** @internal Grants of room end with the turn. */
  onTurnEnd(): void {
    this.#room.endTurn()
    if (this.#room.isAwaited) this.#offerRoom()
  }

  /**
   * @internal Stops taking posts, and drops all delayed and repeating tasks and those queued ones that would not run any
   * more; with `because`, everything.
   */
  protected stop(isShutdown: boolean, because?: { readonly reason: RejectionReason; readonly error: Error }): TaskRecord[] {
    if (this.#state >= (isShutdown ? shut : closing)) return []
    this.#state = isShutdown ? shut : closing
    this.#pauses = 0
    const mayRun = (record: TaskRecord): boolean =>
      because === undefined && (isShutdown ? record.has(blocksShutdown) : !record.has(continuesOnShutdown))
    const dropped = [...this.delayed, ...[...this.queue].filter((record) => !mayRun(record))]
    for (const task of [...this.repeating]) task.end('closed')
    this.#room.close(this.#closedError(undefined))
    const reason = because?.reason ?? (isShutdown ? 'shutdown' : 'runner-closed')
    const lost = dropped.filter((record) => !record.isSettled)
    for (const record of lost) this.drop(record, reason, because?.error ?? this.#closedError(record))
    this.update()
    this.#checkFinished()
    return lost
  }

  /** @internal Gives up everything, what runs included. Returns how many were running. */
  terminate(error: Error): number {
    this.stop(true, { reason: 'pool-closed', error })
    for (const record of [...this.queue]) this.drop(record, 'pool-closed', error)
    const active = [...this.inFlight]
    for (const record of active) {
      this.abort(record, error)
      this.inFlight.remove(record)
      this.#finish(record)
    }
    this.#checkFinished()
    return active.length
  }

  /** @internal A task that was accepted will not run. */
  protected drop(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.#takeOut(record)
    this.counters.dropped++
    this.#refuse(record, reason, error)
    this.#dismiss(record)
  }

  /** @internal Where the runner has a thread of its own: lets it go. */
  protected abstract releaseThread(): Promise<void>

  /** @internal */
  protected update(): void {
    const { queue } = this
    if (queue.available === 0 && this.running === 0) queue.advance()
    this.pool.pump.update(this, queue.available > 0 && this.taken < this.maxConcurrency && this.#pauses === 0)
  }

  /** @internal */
  protected get self(): TaskRunner {
    return this as unknown as TaskRunner
  }

  get #free(): number {
    return this.#queueLimit - (this.queue.size - this.#exempt)
  }

  #take(record: TaskRecord, options: PostOptions): void {
    record.bits |= flagsOf(options)
    if (options.priority !== undefined) {
      record.level = levelOf(options.priority)
      record.bits &= ~inheritsPriority
    }
    if (needsExtras(options)) this.extrasOf(record).take(options)
  }

  /** False where the signal has fired already: the task is over (C1). */
  #join(record: TaskRecord, signal: AbortSignal): boolean {
    if (signal.aborted) {
      this.#complete(record, cancelled, signal.reason)
      record.task = undefined
      return false
    }
    this.extrasOf(record).group = SignalGroup.join(signal, record)
    return true
  }

  #isPostOfOwnTask(): boolean {
    if (this.#state !== closing) return false
    const task = currentTask()
    return task !== undefined && task.runner === this.self && task.isHolding
  }

  #delay(record: TaskRecord, due: number): void {
    record.code = delayed
    this.delayed.push(record)
    if (!record.has(isTick)) this.delayedCount++
    this.pool.delays.add(record, due)
    if (!record.has(isUnref)) {
      this.#retain(record)
      this.pool.pump.stayAlive()
    }
  }

  #enqueue(record: TaskRecord): void {
    const { pool } = this
    if (this.#queueLimit !== Number.POSITIVE_INFINITY && !record.has(isBarrier | isTick)) {
      if (!this.#makeRoom(record)) return
    }
    record.code = queued
    record.order = this.nextOrder++
    if (record.has(isBarrier | isTick)) this.#exempt++
    this.queue.push(record, pool.pump.now)
    this.#retain(record)
    if (record.extras?.queueTimeout !== undefined) this.#limit(record, record.extras, record.extras.queueTimeout)
    if (pool.isTimed) this.#onPosted(record)
    // A runner that waits in the right list already has nothing to tell.
    if (this.list === undefined || record.level > this.list.level) this.update()
  }

  #makeRoom(record: TaskRecord): boolean {
    this.#room.posted()
    if (this.#free > 0) return true
    const refused = this.#onFull === 'drop-oldest' ? this.queue.oldest : record
    const reason = this.#onFull === 'reject' ? 'queue-full' : this.#onFull === 'drop-newest' ? 'dropped-newest' : 'dropped-oldest'
    const error = new QueueFullError(
      `task "${(refused ?? record).name}" on runner "${this.name}" was ${reason === 'queue-full' ? 'refused' : 'dropped'}: its queueLimit of ${this.#queueLimit} is reached; await runner.ready() before each post, or raise the limit`,
    )
    if (refused === record || refused === undefined) {
      this.#refuse(record, reason, error)
      return false
    }
    this.drop(refused, reason, error)
    return true
  }

  #offerRoom(): void {
    if (this.#room.offer(this.#free)) this.pool.pump.onTurnEnd(this)
  }

  #leaveDelayed(record: TaskRecord): void {
    this.delayed.remove(record)
    record.order = notQueued
    if (!record.has(isTick)) this.delayedCount--
  }

  #retain(record: TaskRecord): void {
    if (record.has(isRetained)) return
    record.bits |= isRetained
    this.pool.pump.retain()
  }

  #limit(record: TaskRecord, extras: TaskExtras, ms: number): void {
    extras.deadline = new Deadline(record, this.pool.takeId(), ms)
    this.pool.delays.add(extras.deadline, this.pool.clock.now() + ms)
  }

  #onPosted(record: TaskRecord): void {
    const { hooks, clock } = this.pool
    this.extrasOf(record).postedAt = clock.now()
    if (!hooks.observed) return
    hooks.posted(record)
    hooks.queueDepth({ runner: this.self, depth: this.queue.size })
  }

  #onStart(record: TaskRecord): void {
    const { hooks, clock, isTimed, delays } = this.pool
    const extras = this.extrasOf(record)
    if (extras.deadline !== undefined) {
      delays.remove(extras.deadline)
      extras.deadline = undefined
    }
    if (extras.timeout !== undefined) this.#limit(record, extras, extras.timeout)
    if (!isTimed) return
    extras.startedAt = clock.now()
    if (!hooks.observed) return
    hooks.started(record)
    hooks.queueDepth({ runner: this.self, depth: this.queue.size })
  }

  #execute(record: TaskRecord): void {
    if (record.has(isTick)) (record.sink as TaskSink).onStart?.()
    let value: unknown
    let state: typeof succeeded | typeof failed = succeeded
    const outer = setCurrent(record)
    try {
      value =
        this.pool.tracksRunner || record.has(isBarrier)
          ? runAsCurrent(record, () =>
              record.has(isBarrier) ? (record.task as Closure)(record) : this.executor.execute(record.task as never, record),
            )
          : record.scope === undefined
            ? this.executor.execute(record.task as never, record)
            : record.scope.runInAsyncScope(execute, record, this.executor)
    } catch (error) {
      state = failed
      value = error
    }
    setCurrent(outer)
    if (typeof value === 'object' || typeof value === 'function') {
      if (state === succeeded && this.#settlesLater(record, value)) return
    }
    this.#outcome(record, state, value)
    if (record.isHolding) this.#finish(record)
  }

  #outcome(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    if (record.isSettled) {
      if (state === failed) this.#reportLate(record, value)
      return
    }
    this.#complete(record, state, value)
    if (record.has(reportsToPromise)) this.pool.pump.breathe(state === failed)
  }

  /** True where the result is a promise, which from now on is waited for. */
  #settlesLater(record: TaskRecord, value: object | null): boolean {
    let promise: PromiseLike<unknown> | undefined
    try {
      promise = promiseIn(value)
    } catch (error) {
      // A `then` that throws when it is read.
      promise = Promise.reject(error)
    }
    if (promise === undefined) return false
    this.inFlight.push(record)
    InFlight.watch(record, promise)
    return true
  }

  /** The one place in which a task gets its outcome. True where its poster is told. */
  #complete(record: TaskRecord, state: RecordState, value: unknown): boolean {
    const { sink, extras } = record
    let isTold = sink !== undefined
    record.code = state
    this.counters.count(state)
    if (extras !== undefined) this.#settleExtras(record, extras)
    if (sink === undefined) {
      if (state === failed || (state === cancelled && isTimeout(value))) this.#reportFailure(record, value)
    } else if (typeof sink === 'function') {
      if (state === succeeded) sink(value)
      else {
        if (state === failed) appendOrigin(value, record)
        sink(state === failed ? rejectThroughAwaiters(value) : Promise.reject(value))
      }
    } else {
      isTold = sink.onSettled(record, state, value)
      if (!isTold && (state === failed || (state === cancelled && isTimeout(value)))) this.#reportFailure(record, value)
    }
    if (this.pool.isTimed && state !== rejected) this.#report(record, state, value)
    return isTold
  }

  #settleExtras(record: TaskRecord, extras: TaskExtras): void {
    extras.group?.leave(record)
    extras.group = undefined
    if (extras.deadline !== undefined) {
      this.pool.delays.remove(extras.deadline)
      extras.deadline = undefined
    }
  }

  #report(record: TaskRecord, state: RecordState, value: unknown): void {
    const { waitMs, runMs } = this.counters.measure(record, this.pool.clock.now())
    if (this.pool.hooks.observed) this.pool.hooks.finished(record, state, value, waitMs, runMs)
  }

  #reportFailure(record: TaskRecord, error: unknown): void {
    appendOrigin(error, record)
    this.pool.hooks.failed(record, error)
  }

  /** A cancelled task failed all the same. Expected where it throws the reason, or an AbortError; else somebody must know. */
  #reportLate(record: TaskRecord, error: unknown): void {
    const isAbort = error === record.abortReason || (error as { name?: unknown } | null)?.name === 'AbortError'
    if (!isAbort) this.pool.hooks.failed(record, error)
  }

  #refuse(record: TaskRecord, reason: RejectionReason, error: Error): void {
    const isTold = this.#complete(record, rejected, error)
    this.pool.hooks.rejected(record, reason, error, !isTold && reason !== 'shutdown')
    record.task = undefined
    this.#release(record)
  }

  /** Takes a record out of the queue or the delays. */
  #takeOut(record: TaskRecord): void {
    if (record.code === delayed) {
      this.pool.delays.remove(record)
      this.#leaveDelayed(record)
      return
    }
    this.queue.remove(record)
    if (record.has(isBarrier | isTick)) this.#exempt--
    if (this.#room.isAwaited) this.#offerRoom()
  }

  /** A task that never started is over: nothing of it stays behind. */
  #dismiss(record: TaskRecord): void {
    record.task = undefined
    record.scope = undefined
    this.#release(record)
    if (record.order !== notQueued) this.#settled(record)
    this.update()
    this.#checkFinished()
  }

  /** A started task is really over: its slot is free. */
  #finish(record: TaskRecord): void {
    record.task = undefined
    record.scope = undefined
    record.bits &= ~holdsSlot
    this.running--
    if (!record.has(sharesTurn)) this.taken--
    if (record.has(continuesOnShutdown)) this.#continuing--
    if (record.extras !== undefined && record.extras.waits.size > 0) this.#endWaits(record, record.extras)
    if (!this.isDedicated && !record.has(sharesSlot)) this.pool.pump.vacate(record)
    this.#release(record)
    this.queue.ended(record)
    if (record.has(isBarrier | isTick) || !this.waiters.isEmpty) this.#settled(record)
    this.update()
    if (this.#state !== open) this.#checkFinished()
  }

  #settled(record: TaskRecord): void {
    if (record.has(isBarrier)) this.barriers--
    if (record.has(isTick)) (record.sink as TaskSink).onEnded?.()
    if (!this.waiters.isEmpty) this.waiters.settled(record)
  }

  #endWaits(record: TaskRecord, extras: TaskExtras): void {
    const error = new TaskCancelledError(
      `task "${record.name}" on runner "${this.name}" ended without awaiting its sleep or yield`,
    )
    for (const wait of extras.waits) wait.onEnd(error)
    extras.waits.clear()
  }

  #release(record: TaskRecord): void {
    if (!record.has(isRetained)) return
    record.bits &= ~isRetained
    this.pool.pump.release()
  }

  #closedError(record: TaskRecord | undefined): Error {
    const what =
      record === undefined
        ? `runner "${this.name}" is closed`
        : `task "${record.name}" was not run: runner "${this.name}" is closed`
    return new RunnerClosedError(`${what}; post before shutdown() or close(), or check runner.isClosed`)
  }

  #checkFinished(): void {
    if (this.#state === open || this.#state === finished) return
    if (this.queue.size > 0 || this.running > this.#continuing) return
    this.#state = finished
    this.pool.remove(this.self)
    void this.releaseThread().then(this.#resolveClosed, this.#resolveClosed)
  }
}

/** Called in the async scope of a task, with the task as `this`. */
function execute(this: TaskRecord, executor: ThreadExecutor<never>): unknown {
  return executor.execute(this.task as never, this)
}

const isTimeout = (reason: unknown): boolean => (reason as { code?: unknown } | null)?.code === 'ERR_TASK_TIMEOUT'
