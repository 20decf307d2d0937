import { beginChange, endChange } from './callbacks.ts'
import { Deadline } from './deadline.ts'
import { IdleWaiters } from './idle-waiters.ts'
import { isForBestEffort } from './need.ts'
import type { RejectionReason } from './observer.ts'
import { type FullPolicy, QueueBound } from './queue-bound.ts'
import { ReadyEntry } from './ready-list.ts'
import { OutcomeCounters } from './runner-stats.ts'
import type { PostOptions } from './task.ts'
import { TaskExtras } from './task-extras.ts'
import { defaultHistory, TaskHistory } from './task-history.ts'
import { TaskList } from './task-list.ts'
import { TaskOutcomes } from './task-outcome.ts'
import { type Bucket, TaskQueue } from './task-queue.ts'
import {
  cancelled,
  delayed,
  inheritsPriority,
  isBarrier,
  isRetained,
  isTick,
  queued,
  type TaskRecord,
  type TaskSink,
} from './task-record.ts'
import type { RunnerKind, TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'
import { bestEffort, checkedCount, levelOf } from './traits.ts'

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
 * What waits in a runner, and every way out of its queue that is not a start.
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
  /** @internal Tasks that are on a thread, where they wait for their turn behind others of a batch. */
  protected travellers = 0

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super()
    if (typeof pool?.captureScope !== 'function') throw new TypeError(`new ${new.target.name}(pool) needs a ThreadPool`)
    pool.refuseIfClosed(options.kind)
    this.pool = pool
    this.kind = options.kind
    this.maxConcurrency = checkedCount(options.maxConcurrency, 'maxConcurrency')
    this.isDedicated = options.isDedicated
    this.ownLevel = levelOf(options.priority ?? 'user-visible')
    this.queue = new TaskQueue(options.makeBucket)
    this.bound = new QueueBound(this.queue, options.queueLimit, options.onFull, () => this.starting)
    this.history = makeHistory(options.history)
    this.outcomes = new TaskOutcomes(pool, this.counters, this.history)
    this.name = options.name ?? pool.nameFor(options.kind)
  }

  /** True once `shutdown` or `close` was called. */
  abstract get isClosed(): boolean
  /** @internal True if a post of a task with these `bits` is still taken (W4, W5). */
  protected abstract acceptsPost(bits: number, isDelayed: boolean): boolean
  /** @internal How many of those that wait could start at once: there is a free slot for each. */
  protected abstract readonly starting: number
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

  /** @internal It is gone: somebody else counts for it. */
  handCountsTo(counters: OutcomeCounters): void {
    this.counters.handOver(counters)
  }

  /** @internal */
  extrasOf(record: TaskRecord): TaskExtras {
    return (record.extras ??= new TaskExtras())
  }

  /** @internal Takes out a tick that nobody wants any more: no task, so no outcome. Who saw it queued sees it cancelled. */
  withdraw(record: TaskRecord): void {
    if (record.isSettled || record.isHolding) return
    const isSeen = record.code === queued
    beginChange()
    this.takeOut(record)
    record.code = cancelled
    this.outcomes.letGo(record)
    if (isSeen) this.outcomes.tellWatchers(record, cancelled, undefined)
    this.dismiss(record)
    endChange()
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
    this.pool.onDropped(record)
    this.refuse(record, reason, error)
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
  protected waitForRoom(signal?: AbortSignal): Promise<void> {
    const place = this.bound.place(signal)
    this.offerRoom()
    return place
  }

  /** @internal Places that were given and not used are free again. */
  onTurnEnd(): void {
    this.bound.endTurn()
    this.offerRoom()
  }

  /** @internal */
  protected get self(): TaskRunner {
    return this as unknown as TaskRunner
  }

  /** @internal */
  protected leaveDelayed(record: TaskRecord): void {
    this.delayed.remove(record)
    record.order = notQueued
    if (!record.has(isTick)) this.delayedCount--
  }

  /** @internal */
  protected enqueue(record: TaskRecord, isDelayed = false): void {
    const { pool, bound, queue } = this
    const isCounted = bound.isBounded && !record.has(isBarrier | isTick)
    const overflow = isCounted ? bound.overflow(record, this.name) : undefined
    if (overflow?.record === record) {
      this.refuse(record, overflow.reason, overflow.error)
      return
    }
    record.code = queued
    record.order = isDelayed ? pool.takeId() : record.id
    this.#join(record)
    queue.push(record, pool.pump)
    if (record.extras?.queueTimeout !== undefined) this.limit(record, record.extras, record.extras.queueTimeout)
    if (this.isTimed) this.#onPosted(record)
    if (record.extras !== undefined) record.extras.poster = undefined
    // When all of this task is in place: the reply to the one that goes may displace it in turn.
    if (overflow !== undefined) this.drop(overflow.record, overflow.reason, overflow.error)
    else if (this.isTimed) this.tellDepth()
    if (this.isNewsToPump(record.level)) this.update()
  }

  /** @internal False if the runner waits in the right list of the pump already, although something of `level` joined. */
  protected isNewsToPump(level: number): boolean {
    const { list } = this
    return list === undefined || level > list.level || (level > bestEffort && isForBestEffort(list.need))
  }

  /** @internal */
  protected requeue(record: TaskRecord, isNew = false): void {
    record.code = queued
    this.#join(record)
    this.queue.unshift(record)
    if (isNew && this.isTimed) this.#onPosted(record)
    this.tellDepth()
    this.update()
  }

  #join(record: TaskRecord): void {
    this.bound.count(record, 1)
    this.retain(record)
  }

  /** @internal Gives free places to those who wait for one. */
  protected offerRoom(): void {
    if (this.bound.offer()) this.pool.turn.onEnd(this)
  }

  /** @internal */
  protected retain(record: TaskRecord): void {
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
    hooks.posted(record)
  }

  /** @internal */
  protected tellDepth(): void {
    this.pool.hooks.queueDepth(this.self, this.queue.size + this.travellers)
  }

  /** @internal */
  protected refuse(record: TaskRecord, reason: RejectionReason, error: Error): void {
    this.outcomes.refuse(record, reason, error)
    record.forget(true)
    this.release(record)
  }

  /** @internal Takes a record out of the queue or the delays. */
  protected takeOut(record: TaskRecord): void {
    if (record.code === delayed) {
      this.pool.delays.remove(record)
      this.leaveDelayed(record)
      return
    }
    this.queue.remove(record)
    this.bound.count(record, -1)
    this.offerRoom()
    if (!this.waiters.isEmpty) this.waiters.settled(record)
  }

  /** @internal A task that never started is over: nothing of it stays behind. */
  protected dismiss(record: TaskRecord): void {
    record.forget(true)
    record.watch = undefined
    this.release(record)
    if (record.order !== notQueued) {
      this.tellOthers(record)
      this.tellDepth()
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
