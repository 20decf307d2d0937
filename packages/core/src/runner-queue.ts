import type { AsyncScope } from './async-context.ts'
import { currentTask } from './current-task.ts'
import { Deadline } from './deadline.ts'
import { IdleWaiters } from './idle-waiters.ts'
import type { RejectionReason } from './observer.ts'
import { captureOrigin, type Origin } from './origin.ts'
import { checkTask, flagsOf, needsExtras, saysPriorityOnly } from './post-checks.ts'
import { answeredOrigin } from './poster.ts'
import { type FullPolicy, QueueBound } from './queue-bound.ts'
import { ReadyEntry } from './ready-list.ts'
import { OutcomeCounters } from './runner-stats.ts'
import { SignalGroup } from './signal-group.ts'
import type { Closure, PostOptions, Task } from './task.ts'
import { TaskExtras } from './task-extras.ts'
import { defaultHistory, TaskHistory } from './task-history.ts'
import { TaskList } from './task-list.ts'
import { TaskOutcomes } from './task-outcome.ts'
import type { TaskPack } from './task-pack.ts'
import { type Bucket, TaskQueue } from './task-queue.ts'
import {
  cancelled,
  continuesOnShutdown,
  delayed,
  inheritsPriority,
  isBarrier,
  isRetained,
  isTick,
  isUnref,
  levelShift,
  queued,
  type Resolve,
  reportsToPromise,
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
  readonly history: number | boolean | undefined
}

/** The order of a task that has not joined the queue. */
const notQueued = 0

/**
 * What waits in a runner: every way into its queue, and every way out of it that is not a start.
 */
export abstract class RunnerQueue extends ReadyEntry {
  readonly name: string
  readonly kind: RunnerKind
  readonly pool: ThreadPool<never>
  /** At most so many tasks at a time. */
  readonly maxConcurrency: number
  /** @internal */
  readonly isDedicated: boolean
  /** @internal */
  protected readonly counters: OutcomeCounters = new OutcomeCounters()
  /** @internal */
  protected readonly outcomes: TaskOutcomes
  /** @internal */
  protected readonly history: TaskHistory | undefined
  /** @internal */
  protected readonly queue: TaskQueue
  /** @internal */
  protected readonly bound: QueueBound
  /** @internal */
  protected readonly waiters: IdleWaiters = new IdleWaiters()
  /** @internal */
  protected ownLevel: number
  /** @internal Barriers that wait or run. */
  protected barriers = 0
  /** @internal */
  protected readonly delayed: TaskList = new TaskList()
  /** @internal */
  protected delayedCount = 0
  #frontOrder = 0
  /** Functions alone may wait in packs: nothing has to be known of them before their turn. */
  readonly #packs: boolean

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super()
    if (typeof pool?.captureScope !== 'function') throw new TypeError(`new ${new.target.name}(pool) needs a ThreadPool`)
    this.pool = pool
    this.kind = options.kind
    this.maxConcurrency = checkedCount(options.maxConcurrency, 'maxConcurrency')
    this.isDedicated = options.isDedicated
    this.ownLevel = levelOf(options.priority ?? 'user-visible')
    this.queue = new TaskQueue(options.makeBucket)
    this.bound = new QueueBound(this.queue, options.queueLimit, options.onFull)
    this.history = makeHistory(options.history)
    this.outcomes = new TaskOutcomes(pool, this.counters, this.history)
    this.#packs = pool.accepts.closures && !this.bound.isBounded && !pool.tracesOrigin && pool.seam === undefined
    this.name = pool.add(this.self, options.name)
  }

  /** True once `shutdown` or `close` was called. */
  abstract get isClosed(): boolean
  /** @internal True where a post is still taken. */
  protected abstract acceptsPost(): boolean
  /** @internal A task has ended for good. */
  protected abstract onSettled(): void
  /** @internal Tells the pump whether something can start. */
  protected abstract update(): void
  /** @internal */
  protected abstract closedError(record: TaskRecord): Error

  /** @internal */
  get level(): number {
    return Math.max(this.ownLevel, this.queue.highestLevel)
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
    // The post that wakes the pump up needs no scope: the pump comes in its context. Not where a hook may post first.
    const wakesPump = pool.bringsContext && scope === undefined && pool.pump.isIdle && !pool.hooks.observed && !this.isBounded
    if (pool.bringsContext && !wakesPump) record.scope = scope ?? pool.captureScope(record)
    else if (!pool.bringsContext && record.extras !== undefined) record.scope = pool.captureScope(record)
    if (delay > 0 && pool.hooks.observed) this.extrasOf(record).poster = currentTask()
    // A reply comes from where its task was posted. `run` and `flush` have a frame more than the others.
    if (pool.tracesOrigin)
      this.extrasOf(record).origin = answeredOrigin() ?? captureOrigin((traits & reportsToPromise) === 0 ? 2 : 3)
    let due: number | undefined
    // While it closes, what would be dropped at once is not taken (W5, W8).
    const isTaken = this.acceptsPost() && (!this.isClosed || (delay === 0 && !record.has(continuesOnShutdown)))
    if (!isTaken) this.#refuse(record, 'runner-closed', this.closedError(record))
    else if (options?.signal !== undefined && !this.#join(record, options.signal)) return record
    else if (delay > 0) this.#delay(record, (due = pool.clock.now() + delay))
    else this.#enqueue(record)
    if (wakesPump && !record.isSettled && !pool.pump.adopt(record)) record.scope = pool.captureScope(record)
    if (pool.seam?.posted !== undefined && !record.isSettled && !record.has(isBarrier)) {
      pool.seam.posted(this.self, record, record.name, due, undefined, record.has(isUnref))
    }
    return record
  }

  /**
   * @internal The pack that takes a function of which nothing is said but perhaps its priority, and counts it from now
   * on; undefined where it needs a record.
   */
  protected packFor(task: Task, options: PostOptions | undefined): TaskPack | undefined {
    if (!this.#packs || typeof task !== 'function' || (options !== undefined && !saysPriorityOnly(options))) return undefined
    if (this.pool.hooks.observed || !this.acceptsPost()) return undefined
    const priority = options?.priority
    const level = priority === undefined ? this.ownLevel : levelOf(priority)
    const traits = (level << levelShift) | (priority === undefined ? inheritsPriority : 0)
    return this.queue.packFor(this.self, level, traits, this.pool.pump.now)
  }

  /** @internal Gives a function its place in the pack. */
  protected pack(pack: TaskPack, task: Closure, id: number, sink: Resolve | undefined): number {
    const { pool } = this
    const scope = pool.bringsContext ? pool.captureScope() : undefined
    const index = pack.push(task, id, sink, scope, this.isTimed ? pool.clock.now() : undefined)
    pool.turn.retain()
    if (this.list === undefined || pack.level > this.list.level) this.update()
    return index
  }

  /** @internal A tick of a repeating task, due at `due`. */
  postTick(
    task: Task,
    options: PostOptions,
    sink: TaskSink,
    due: number,
    scope: AsyncScope | undefined,
    origin: Origin | undefined,
  ): TaskRecord {
    const record = new TaskRecord(this.self, this.pool.takeId(), task, isTick | inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = scope
    if (origin !== undefined) this.extrasOf(record).origin = origin
    if (options.signal === undefined || this.#join(record, options.signal)) this.#delay(record, due)
    return record
  }

  /** @internal A repeating task that was posted too late (W7). */
  refuseTick(task: Task, options: PostOptions): void {
    const record = new TaskRecord(
      this.self,
      this.pool.takeId(),
      task,
      isTick | inheritsPriority | (this.ownLevel << 3),
      undefined,
    )
    this.#take(record, options)
    this.#refuse(record, 'runner-closed', this.closedError(record))
  }

  /** @internal Takes out a tick that nobody wants any more: no task, so no outcome. Who saw it queued sees it cancelled. */
  withdraw(record: TaskRecord): void {
    if (record.isSettled || record.isHolding) return
    const isSeen = record.code === queued
    this.takeOut(record)
    record.code = cancelled
    this.outcomes.letGo(record)
    if (isSeen) this.outcomes.tellWatchers(record, cancelled, undefined)
    this.dismiss(record)
  }

  /** @internal Puts a task of ours ahead of everything else. */
  protected postAhead(task: Task, options: PostOptions, sink: TaskSink): void {
    checkTask(this.self, task)
    const record = new TaskRecord(this.self, this.pool.takeId(), task, inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = this.pool.captureScope(record)
    record.order = --this.#frontOrder
    this.waiters.joined()
    this.requeue(record, true)
  }

  /** @internal */
  protected postBarrier(callback: Task, resolve: Resolve): void {
    this.queue.split(this.pool.nextId)
    this.barriers++
    const record = this.submit(callback, { name: 'flush' }, resolve, reportsToPromise | isBarrier, 0)
    this.queue.split(this.pool.nextId)
    if (record.isSettled) this.barriers--
    else this.update()
  }

  /** @internal */
  onDelayPassed(record: TaskRecord): void {
    this.#leaveDelayed(record)
    this.#enqueue(record, true)
  }

  /** @internal The task that starts next. */
  peek(): TaskRecord | undefined {
    const { pump, agingMs } = this.pool
    return this.queue.peek(pump.now, agingMs, pump.holdsBestEffort)
  }

  /** @internal What waits, barriers included. */
  get waiting(): { readonly size: number; readonly oldest: TaskRecord | undefined } {
    return this.queue
  }

  /** @internal */
  get isBounded(): boolean {
    return this.bound.isBounded
  }

  /** @internal */
  get isTimed(): boolean {
    return this.history !== undefined || this.pool.isTimed
  }

  /** @internal How many tasks wait that could start. */
  get available(): number {
    return this.queue.available
  }

  /** @internal A task that was accepted will not run. */
  protected drop(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.takeOut(record)
    this.counters.dropped++
    this.#refuse(record, reason, error)
    this.dismiss(record)
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
    this.pool.turn.onEnd(this)
    return Promise.resolve()
  }

  /** @internal Places that were given and not used are free again. */
  onTurnEnd(): void {
    this.bound.endTurn()
    if (this.bound.offer()) this.pool.turn.onEnd(this)
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
      this.outcomes.settle(record, cancelled, signal.reason)
      record.forget()
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

  #enqueue(record: TaskRecord, isDelayed = false): void {
    const { pool, bound } = this
    if (bound.isBounded && !this.#makeRoom(record)) return
    record.code = queued
    record.order = isDelayed ? pool.takeId() : record.id
    this.queue.push(record, pool.pump.now)
    this.#retain(record)
    if (record.extras?.queueTimeout !== undefined) this.limit(record, record.extras, record.extras.queueTimeout)
    if (this.isTimed) this.#onPosted(record)
    if (record.extras !== undefined) record.extras.poster = undefined
    // A runner that waits in the right list already has nothing to tell.
    if (this.list === undefined || record.level > this.list.level) this.update()
  }

  /** @internal */
  protected requeue(record: TaskRecord, isNew = false): void {
    record.code = queued
    this.bound.count(record, 1)
    this.queue.unshift(record)
    this.#retain(record)
    if (isNew && this.isTimed) this.#onPosted(record)
    else this.#tellDepth()
    this.update()
  }

  /** False where the record itself has to go. */
  #makeRoom(record: TaskRecord): boolean {
    const overflow = record.has(isBarrier | isTick) ? undefined : this.bound.overflow(record, this.name)
    if (overflow?.record === record) this.#refuse(record, overflow.reason, overflow.error)
    else if (overflow !== undefined) {
      // The place that comes free is this one's, whatever is posted by who is told of the other.
      this.bound.reserve(1)
      this.drop(overflow.record, overflow.reason, overflow.error)
      this.bound.reserve(-1)
    }
    if (record.isSettled) return false
    this.bound.count(record, 1)
    return true
  }

  /** @internal */
  protected offerRoom(leaving: TaskRecord): void {
    this.bound.count(leaving, -1)
    if (this.bound.offer()) this.pool.turn.onEnd(this)
  }

  #retain(record: TaskRecord): void {
    if (record.has(isRetained)) return
    record.bits |= isRetained
    this.pool.turn.retain()
  }

  /** @internal */
  protected release(record: TaskRecord): void {
    if (!record.has(isRetained)) return
    record.bits &= ~isRetained
    this.pool.turn.release()
  }

  /** @internal */
  protected limit(record: TaskRecord, extras: TaskExtras, ms: number): void {
    extras.deadline = new Deadline(record, this.pool.takeId(), ms)
    this.pool.delays.add(extras.deadline, this.pool.clock.now() + ms)
  }

  #onPosted(record: TaskRecord): void {
    const { hooks, clock } = this.pool
    record.watch = clock.now()
    if (!hooks.observed) return
    hooks.posted(record)
    hooks.queueDepth(this.self, this.queue.size)
  }

  #tellDepth(): void {
    const { hooks } = this.pool
    if (hooks.observed) hooks.queueDepth(this.self, this.queue.size)
  }

  #refuse(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.outcomes.refuse(record, reason, error)
    record.forget()
    this.release(record)
  }

  /** @internal Takes a record out of the queue or the delays. */
  protected takeOut(record: TaskRecord): void {
    if (record.code === delayed) {
      this.pool.delays.remove(record)
      this.#leaveDelayed(record)
      return
    }
    this.queue.remove(record)
    this.offerRoom(record)
    if (!this.waiters.isEmpty) this.waiters.settled(record)
  }

  /** @internal A task that never started is over: nothing of it stays behind. */
  protected dismiss(record: TaskRecord): void {
    record.forget()
    record.watch = undefined
    this.release(record)
    if (record.order !== notQueued) {
      this.tellOthers(record)
      this.#tellDepth()
    }
    this.update()
    this.onSettled()
  }

  /** @internal */
  protected tellOthers(record: TaskRecord): void {
    if (record.has(isBarrier)) this.barriers--
    if (record.has(isTick)) (record.sink as TaskSink).onEnded?.()
  }
}

const makeHistory = (size: number | boolean | undefined): TaskHistory | undefined => {
  if (size === undefined || size === false) return undefined
  return new TaskHistory(size === true ? defaultHistory : checkedCount(size, 'history'))
}
