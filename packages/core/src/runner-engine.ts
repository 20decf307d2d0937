import type { AsyncScope } from './async-context.ts'
import { runAsCurrent, setCurrent } from './current-task.ts'
import { Deadline } from './deadline.ts'
import { TaskCancelledError } from './errors.ts'
import type { ThreadExecutor } from './executor.ts'
import { IdleWaiters } from './idle-waiters.ts'
import { InFlight, promiseIn } from './in-flight.ts'
import type { RejectionReason } from './observer.ts'
import { captureOrigin } from './origin.ts'
import { checkTask, flagsOf, needsExtras } from './post-checks.ts'
import { type FullPolicy, QueueBound } from './queue-bound.ts'
import { ReadyEntry } from './ready-list.ts'
import { OutcomeCounters } from './runner-stats.ts'
import { SignalGroup } from './signal-group.ts'
import type { Closure, PostOptions, Task } from './task.ts'
import { TaskExtras } from './task-extras.ts'
import { TaskList } from './task-list.ts'
import { TaskOutcomes } from './task-outcome.ts'
import { type Bucket, TaskQueue } from './task-queue.ts'
import {
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
  type Resolve,
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

/**
 * The one engine: a queue and N slots. It knows what is queued and what runs, and tells the pool's pump when it has
 * something to start.
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
  protected readonly bound: QueueBound
  /** @internal */
  protected readonly waiters: IdleWaiters = new IdleWaiters()
  /** @internal The order that the next task to join the queue gets. */
  protected nextOrder = 1
  /** @internal Started, and not ended. */
  protected running = 0
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

  readonly #outcomes: TaskOutcomes
  readonly #isFifo: boolean
  /** Slots in use: tasks of one batch share theirs. */
  #taken = 0
  #pauses = 0
  /** Running tasks that no close waits for (W8). */
  #continuing = 0
  #frontOrder = 0

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super()
    if (typeof pool?.captureScope !== 'function') throw new TypeError(`new ${new.target.name}(pool) needs a ThreadPool`)
    this.pool = pool
    this.kind = options.kind
    this.maxConcurrency = checkedCount(options.maxConcurrency, 'maxConcurrency')
    this.isDedicated = options.isDedicated
    this.ownLevel = levelOf(options.priority ?? 'user-visible')
    this.#isFifo = options.isFifo
    this.queue = new TaskQueue(options.makeBucket)
    this.bound = new QueueBound(this.queue, options.queueLimit, options.onFull)
    this.executor = pool.executor
    this.#outcomes = new TaskOutcomes(pool, this.counters)
    this.name = pool.add(this.self, options.name)
  }

  /** @internal True where a post is still taken. */
  protected abstract acceptsPost(): boolean
  /** @internal A task has ended for good. */
  protected abstract onSettled(): void
  /** @internal */
  protected abstract closedError(record: TaskRecord): Error

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
    if (!this.acceptsPost()) this.#refuse(record, 'runner-closed', this.closedError(record))
    else if (options?.signal !== undefined && !this.#join(record, options.signal)) return record
    else if (delay > 0) this.#delay(record, pool.clock.now() + delay)
    else this.#enqueue(record)
    if (pool.seam?.posted !== undefined && !record.isSettled && !record.has(isBarrier)) {
      const due = delay > 0 ? pool.delays.dueOf(record) : undefined
      pool.seam.posted(this.self, record, record.name, due, undefined, record.has(isUnref))
    }
    return record
  }

  /** @internal A tick of a repeating task, due at `due`. */
  postTick(task: Task, options: PostOptions, sink: TaskSink, due: number, scope: AsyncScope | undefined): TaskRecord {
    const record = new TaskRecord(this.self, this.pool.takeId(), task, isTick | inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = scope
    if (options.signal === undefined || this.#join(record, options.signal)) this.#delay(record, due)
    return record
  }

  /** @internal Takes out a tick that nobody wants any more: no task, so no outcome. */
  withdraw(record: TaskRecord): void {
    if (record.isSettled || record.isHolding) return
    this.#takeOut(record)
    record.code = cancelled
    this.#outcomes.letGo(record)
    this.#dismiss(record)
  }

  /** @internal Puts a task of ours ahead of everything else. */
  protected postAhead(task: Task, options: PostOptions, sink: TaskSink): void {
    checkTask(this.self, task)
    const record = new TaskRecord(this.self, this.pool.takeId(), task, inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = this.pool.captureScope(record)
    record.order = --this.#frontOrder
    this.waiters.joined()
    this.#requeue(record)
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
  onDelayPassed(record: TaskRecord): void {
    this.#leaveDelayed(record)
    this.#enqueue(record)
  }

  /** @internal The task that starts next. */
  peek(): TaskRecord | undefined {
    return this.queue.peek(this.pool.pump.now, this.pool.agingMs)
  }

  /** @internal How many tasks wait that could start. */
  get available(): number {
    return this.queue.available
  }

  /** @internal */
  offers(free: number): readonly TaskRecord[] {
    const first = this.peek()
    const most = Math.min(this.isDedicated ? 1 : free, this.maxConcurrency - this.#taken)
    return first === undefined ? [] : this.queue.offers(first, most)
  }

  /** @internal Starts the next task, or the one that a test chose. */
  start(chosen?: TaskRecord): void {
    const record = chosen ?? (this.peek() as TaskRecord)
    const { pump, batches } = this.pool
    if (!this.isDedicated) pump.occupy(record, this.#isFifo && pump.limitsBestEffort ? this.queue.highestLevel : record.level)
    this.begin(record)
    const batch = batches === undefined || this.isDedicated ? undefined : batches.gather(this, record)
    if (this.#taken < this.maxConcurrency && this.queue.available > 0) this.update()
    if (batch === undefined) this.#execute(record)
    else batches?.execute(batch)
  }

  /** @internal Takes a task out of the queue: from here on it runs. `shares`: what it shares with others of its batch. */
  begin(record: TaskRecord, shares = 0): void {
    const { pump } = this.pool
    pump.ready.leave(this)
    this.boost = 0
    this.queue.take(record, pump.now)
    record.bits = (record.bits & ~7) | running | holdsSlot | shares
    this.running++
    if ((shares & sharesTurn) === 0) this.#taken++
    if (record.has(continuesOnShutdown)) this.#continuing++
    if (this.bound.isBounded) this.#offerRoom(record)
    if (record.extras !== undefined || this.pool.isTimed) this.#onStart(record)
  }

  /** @internal The task's promise settled, or its thread is free again. */
  ended(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    // A terminated pool has given the task up.
    if (!record.isHolding) return
    this.inFlight.remove(record)
    this.#settle(record, state, value)
    this.#finish(record)
  }

  /** @internal The thread died before the turn of this task of a batch: it goes back to the head of the queue (F5). */
  lost(record: TaskRecord): void {
    if (record.isSettled || !record.isHolding) {
      this.ended(record, succeeded, undefined)
      return
    }
    this.inFlight.remove(record)
    this.#freeSlot(record)
    this.#requeue(record)
  }

  /** @internal */
  cancel(record: TaskRecord, reason?: unknown): boolean {
    // An error with its stack costs microseconds: made only where somebody will see it.
    const isSeen = record.sink !== undefined || record.code === running || this.pool.isTimed
    return this.abort(record, reason === undefined && isSeen && !record.isSettled ? this.#cancelledError(record) : reason)
  }

  /** @internal Cancels for a reason: before the start it never runs (C1), afterwards its signal fires (C2). */
  abort(record: TaskRecord, reason: unknown): boolean {
    if (record.isSettled) return false
    if (record.code === running) {
      const extras = this.extrasOf(record)
      this.#outcomes.settle(record, cancelled, reason)
      extras.abort(reason)
      this.executor.abort?.(record)
    } else {
      this.#takeOut(record)
      this.#outcomes.settle(record, cancelled, reason)
      this.#dismiss(record)
    }
    return true
  }

  /** @internal Gives up what runs. Returns how many that were. */
  protected giveUpRunning(reason: Error): number {
    const records = [...this.inFlight]
    for (const record of records) {
      this.abort(record, reason)
      this.inFlight.remove(record)
      this.#finish(record)
    }
    return records.length
  }

  /** @internal A task that was accepted will not run. */
  protected drop(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.#takeOut(record)
    this.counters.dropped++
    this.#refuse(record, reason, error)
    this.#dismiss(record)
  }

  /** @internal */
  progress(record: TaskRecord, value: unknown): void {
    const onProgress = record.extras?.onProgress
    if (onProgress === undefined || record.isSettled) return
    this.pool.hooks.guard(record, 'onProgress', () => {
      if (record.scope === undefined) onProgress(value)
      else record.scope.runInAsyncScope<undefined, [unknown], void>(onProgress, undefined, value)
    })
  }

  /** @internal Nothing new starts until every pause is released. */
  protected addPause(): Disposable {
    let isHeld = this.acceptsPost()
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
  protected releasePauses(): void {
    this.#pauses = 0
  }

  /** @internal */
  protected setLevel(level: number): void {
    this.ownLevel = level
    this.queue.reprioritise(level)
    for (const record of this.delayed) if (record.has(inheritsPriority)) record.level = level
    this.update()
  }

  /** @internal A place in the queue, now or when there is one; it ends with the turn. */
  protected waitForRoom(): Promise<void> {
    if (!this.bound.hasRoom) return this.bound.wait()
    this.bound.grant()
    this.pool.pump.onTurnEnd(this)
    return Promise.resolve()
  }

  /** @internal Places that were given and not used are free again. */
  onTurnEnd(): void {
    this.bound.endTurn()
    if (this.bound.offer()) this.pool.pump.onTurnEnd(this)
  }

  /** @internal Tells the pump whether something can start. */
  protected update(): void {
    const { queue } = this
    if (queue.available === 0 && this.running === 0) queue.advance()
    this.pool.pump.update(this, queue.available > 0 && this.#taken < this.maxConcurrency && this.#pauses === 0)
  }

  /** @internal Nothing waits, and nothing runs that a close would wait for. */
  protected get isDrained(): boolean {
    return this.queue.size === 0 && this.running <= this.#continuing
  }

  /** @internal */
  protected get self(): TaskRunner {
    return this as unknown as TaskRunner
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
      this.#outcomes.settle(record, cancelled, signal.reason)
      record.task = undefined
      return false
    }
    this.extrasOf(record).group = SignalGroup.join(signal, record)
    return true
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

  #leaveDelayed(record: TaskRecord): void {
    this.delayed.remove(record)
    record.order = notQueued
    if (!record.has(isTick)) this.delayedCount--
  }

  #enqueue(record: TaskRecord): void {
    const { pool, bound } = this
    if (bound.isBounded && !this.#makeRoom(record)) return
    record.code = queued
    record.order = this.nextOrder++
    this.queue.push(record, pool.pump.now)
    this.#retain(record)
    if (record.extras?.queueTimeout !== undefined) this.#limit(record, record.extras, record.extras.queueTimeout)
    if (pool.isTimed) this.#onPosted(record)
    // A runner that waits in the right list already has nothing to tell.
    if (this.list === undefined || record.level > this.list.level) this.update()
  }

  #requeue(record: TaskRecord): void {
    record.code = queued
    this.bound.count(record, 1)
    this.queue.unshift(record)
    this.#retain(record)
    this.update()
  }

  /** False where the record itself has to go. */
  #makeRoom(record: TaskRecord): boolean {
    const overflow = record.has(isBarrier | isTick) ? undefined : this.bound.overflow(record, this.name)
    if (overflow?.record === record) this.#refuse(record, overflow.reason, overflow.error)
    else if (overflow !== undefined) this.drop(overflow.record, overflow.reason, overflow.error)
    if (record.isSettled) return false
    this.bound.count(record, 1)
    return true
  }

  #offerRoom(leaving: TaskRecord): void {
    this.bound.count(leaving, -1)
    if (this.bound.offer()) this.pool.pump.onTurnEnd(this)
  }

  #retain(record: TaskRecord): void {
    if (record.has(isRetained)) return
    record.bits |= isRetained
    this.pool.pump.retain()
  }

  #release(record: TaskRecord): void {
    if (!record.has(isRetained)) return
    record.bits &= ~isRetained
    this.pool.pump.release()
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
      if (this.pool.tracksRunner || record.has(isBarrier)) value = runAsCurrent(record, () => this.#call(record))
      else if (record.scope === undefined) value = this.executor.execute(record.task as never, record)
      else value = record.scope.runInAsyncScope(execute, record, this.executor)
    } catch (error) {
      state = failed
      value = error
    }
    setCurrent(outer)
    const mayBePromise = state === succeeded && (typeof value === 'object' || typeof value === 'function')
    if (mayBePromise && this.#settlesLater(record, value as object | null)) return
    this.#settle(record, state, value)
    if (record.isHolding) this.#finish(record)
  }

  #call(record: TaskRecord): unknown {
    return record.has(isBarrier) ? (record.task as Closure)(record) : this.executor.execute(record.task as never, record)
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

  #settle(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    if (record.isSettled) {
      if (state === failed) this.#outcomes.failedLate(record, value)
      return
    }
    this.#outcomes.settle(record, state, value)
    if (record.has(reportsToPromise)) this.pool.pump.breathe(state === failed)
  }

  #refuse(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.#outcomes.refuse(record, reason, error)
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
    this.#offerRoom(record)
    if (this.pool.hooks.observed) this.pool.hooks.queueDepth({ runner: this.self, depth: this.queue.size })
  }

  /** A task that never started is over: nothing of it stays behind. */
  #dismiss(record: TaskRecord): void {
    record.task = undefined
    record.scope = undefined
    this.#release(record)
    if (record.order !== notQueued) this.#tellOthers(record)
    this.update()
    this.onSettled()
  }

  /** A started task is really over: its slot is free. */
  #finish(record: TaskRecord): void {
    record.task = undefined
    record.scope = undefined
    if (record.extras !== undefined && record.extras.waits.size > 0) this.#endWaits(record, record.extras)
    this.#freeSlot(record)
    this.#release(record)
    if (record.has(isBarrier | isTick) || !this.waiters.isEmpty) this.#tellOthers(record)
    this.update()
    this.onSettled()
  }

  #freeSlot(record: TaskRecord): void {
    this.running--
    if (!record.has(sharesTurn)) this.#taken--
    if (record.has(continuesOnShutdown)) this.#continuing--
    if (!this.isDedicated && !record.has(sharesSlot)) this.pool.pump.vacate(record)
    record.bits &= ~(holdsSlot | sharesSlot | sharesTurn)
    this.queue.ended(record)
  }

  #tellOthers(record: TaskRecord): void {
    if (record.has(isBarrier)) this.barriers--
    if (record.has(isTick)) (record.sink as TaskSink).onEnded?.()
    if (!this.waiters.isEmpty) this.waiters.settled(record)
  }

  #cancelledError(record: TaskRecord): TaskCancelledError {
    return new TaskCancelledError(`task "${record.name}" on runner "${this.name}" was cancelled`)
  }

  #endWaits(record: TaskRecord, extras: TaskExtras): void {
    const error = new TaskCancelledError(
      `task "${record.name}" on runner "${this.name}" ended without awaiting its sleep or yield`,
    )
    for (const wait of extras.waits) wait.onEnd(error)
    extras.waits.clear()
  }
}

/** Called in the async scope of a task, with the task as `this`. */
function execute(this: TaskRecord, executor: ThreadExecutor<never>): unknown {
  return executor.execute(this.task as never, this)
}
