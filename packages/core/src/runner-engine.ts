import { isTracking, runAsCurrent, setCurrent } from './current-task.ts'
import { TaskCancelledError } from './errors.ts'
import type { ThreadExecutor } from './executor.ts'
import { InFlight, isPromise, withoutThenable } from './in-flight.ts'
import { RunnerPosts } from './runner-posts.ts'
import type { EngineOptions } from './runner-queue.ts'
import type { Closure } from './task.ts'
import type { TaskExtras } from './task-extras.ts'
import { TaskList } from './task-list.ts'
import { TaskPack } from './task-pack.ts'
import {
  cancelled,
  continuesOnShutdown,
  failed,
  holdsSlot,
  isBarrier,
  isTick,
  reportsToPromise,
  running,
  sharesSlot,
  sharesTurn,
  succeeded,
  type TaskRecord,
  type TaskSink,
} from './task-record.ts'
import { TaskRun } from './task-run.ts'
import type { ThreadPool } from './thread-pool.ts'

/**
 * The one engine: a queue and N slots. It starts what the pump lets it start, and ends what was started.
 */
export abstract class RunnerEngine extends RunnerPosts {
  /** @internal */
  protected executor: ThreadExecutor<never>
  /** @internal Started, and not ended. */
  protected running = 0
  /** @internal Started tasks whose promise is waited for. */
  readonly inFlight: TaskList = new TaskList()
  readonly #isFifo: boolean
  /** Slots in use: tasks of one batch share theirs. */
  #taken = 0
  #pauses = 0
  #givenUpFor: Error | undefined
  /** Running tasks that no close waits for (W8). */
  #continuing = 0

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super(pool, options)
    this.#isFifo = options.isFifo
    this.executor = pool.executor
  }

  /** @internal */
  get startLevel(): number {
    const next = this.peek()
    return next === undefined ? this.queue.highestLevel : this.#levelOf(next)
  }

  /** @internal What `startLevel` was for a task that runs. */
  levelOfRunning(record: TaskRecord): number {
    return Math.max(record.level, this.#levelOf(record))
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
    if (!this.isDedicated) pump.occupy(record, pump.limitsBestEffort ? this.#levelOf(record) : record.level)
    this.begin(record)
    const batch = batches === undefined || this.isDedicated ? undefined : batches.gather(this, record)
    if (this.#taken < this.maxConcurrency && this.queue.available > 0) this.update()
    if (batch === undefined) this.#execute(record)
    else {
      for (const { runner } of batch) if (runner !== this.self) (runner as RunnerEngine).update()
      batches?.execute(batch)
    }
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
    if (record.has(isTick)) (record.sink as TaskSink).onStart?.()
    if (this.bound.isBounded) this.offerRoom(record)
    if (record.extras !== undefined) this.#startLimits(record, record.extras)
    if (this.isTimed) this.#startRun(record)
  }

  /** @internal The task's promise settled, or its thread is free again. */
  ended(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    // A terminated pool has given the task up.
    if (!record.isHolding) return
    this.inFlight.remove(record)
    this.#settle(record, state, value)
    this.#finish(record)
  }

  /** @internal The outcome of a task whose slot is not free yet: another of its batch runs on. */
  tellOutcome(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    if (record.isHolding) this.#settle(record, state, value)
  }

  /** @internal The thread died before the turn of this task of a batch: it goes back to the head of the queue (F5). */
  lost(record: TaskRecord): void {
    if (record.isSettled || !record.isHolding) {
      this.ended(record, succeeded, undefined)
      return
    }
    this.inFlight.remove(record)
    this.pool.stalls?.forget(record)
    const { run } = record
    if (run !== undefined) record.watch = run.startedAt - run.waitMs
    this.#freeSlot(record)
    this.requeue(record)
  }

  /** @internal */
  cancel(record: TaskRecord, reason?: unknown): boolean {
    // An error with its stack costs microseconds: made only where somebody will see it.
    const tellsNobody = record.sink === undefined || record.sink instanceof TaskPack
    const isSeen = !tellsNobody || record.code === running || this.isTimed
    return this.abort(record, reason === undefined && isSeen && !record.isSettled ? this.#cancelledError(record) : reason)
  }

  /** @internal Cancels for a reason: before the start it never runs (C1), afterwards its signal fires (C2). */
  abort(record: TaskRecord, reason: unknown): boolean {
    if (record.isSettled) return false
    if (record.code === running) {
      const extras = this.extrasOf(record)
      this.outcomes.settle(record, cancelled, reason)
      extras.abort(reason)
      this.executor.abort?.(record)
    } else {
      this.takeOut(record)
      this.outcomes.settle(record, cancelled, reason)
      this.dismiss(record)
    }
    return true
  }

  /** @internal Gives up what runs. Returns how many that were. */
  protected giveUpRunning(reason: Error): number {
    // A task that is in its synchronous part is given up behind it.
    this.#givenUpFor = reason
    const records = [...this.inFlight]
    for (const record of records) {
      this.abort(record, reason)
      this.inFlight.remove(record)
      this.#finish(record)
    }
    return records.length
  }

  /** @internal */
  progress(record: TaskRecord, value: unknown): void {
    const onProgress = record.extras?.onProgress
    if (onProgress === undefined || record.isSettled) return
    this.pool.hooks.guard(record, 'onProgress', () => {
      const scope = record.extras?.progressScope
      if (scope === undefined) onProgress(value)
      else scope.runInAsyncScope<undefined, [unknown], void>(onProgress, undefined, value)
    })
  }

  /** @internal Nothing new starts until every pause is released. */
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
  get isPaused(): boolean {
    return this.#pauses > 0
  }

  /** @internal */
  protected releasePauses(): void {
    this.#pauses = 0
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

  /** In a sequence the urgent task behind pulls the one ahead along (P3). */
  #levelOf(record: TaskRecord): number {
    return this.#isFifo ? this.queue.highestLevel : this.queue.levelOf(record)
  }

  #startLimits(record: TaskRecord, extras: TaskExtras): void {
    if (extras.deadline !== undefined) {
      this.pool.delays.remove(extras.deadline)
      extras.deadline = undefined
    }
    if (extras.timeout !== undefined) this.limit(record, extras, extras.timeout)
  }

  #startRun(record: TaskRecord): void {
    const { hooks, clock, stalls } = this.pool
    const now = clock.now()
    const run = new TaskRun(record, now - (record.queuedAt ?? now), true, now)
    record.watch = run
    stalls?.started(record, now)
    hooks.started(run)
    this.tellDepth()
  }

  #endRun(record: TaskRecord): void {
    this.pool.stalls?.ended(record)
    // A run is younger than a record that waited long, and must not be kept by it.
    record.watch = undefined
  }

  #execute(record: TaskRecord): void {
    let value: unknown
    let state: typeof succeeded | typeof failed = succeeded
    const outer = setCurrent(record)
    try {
      const { executor } = this
      const { hooks } = this.pool
      const body = hooks.surrounds ? executeSurrounded : execute
      if (isTracking()) value = runAsCurrent(record, () => body.call(record, executor))
      else if (record.scope === undefined) value = body.call(record, executor)
      else value = record.scope.runInAsyncScope(body, record, executor)
    } catch (error) {
      state = failed
      value = error
    }
    setCurrent(outer)
    if (state === succeeded && isPromise(value)) {
      this.inFlight.push(record)
      InFlight.watch(record, value)
      if (this.#givenUpFor !== undefined) this.giveUpRunning(this.#givenUpFor)
      return
    }
    this.#settle(record, state, value)
    if (record.isHolding) this.#finish(record)
  }

  #settle(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    if (record.isSettled) {
      if (state === failed) this.outcomes.failedLate(record, value)
      return
    }
    this.outcomes.settle(record, state, value)
    if (record.has(reportsToPromise)) this.pool.pump.breathe()
  }

  /** A started task is really over: its slot is free. */
  #finish(record: TaskRecord): void {
    if (record.extras !== undefined) this.#endExtras(record, record.extras)
    if (record.watch !== undefined) this.#endRun(record)
    record.forget()
    this.#freeSlot(record)
    this.release(record)
    if (!this.waiters.isEmpty) this.waiters.settled(record)
    if (record.has(isBarrier | isTick)) this.tellOthers(record)
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

  #cancelledError(record: TaskRecord): TaskCancelledError {
    return new TaskCancelledError(`task "${record.name}" on runner "${this.name}" was cancelled`)
  }

  #endExtras(record: TaskRecord, extras: TaskExtras): void {
    if (extras.waits === undefined || extras.waits.size === 0) return
    const error = new TaskCancelledError(
      `task "${record.name}" on runner "${this.name}" ended without awaiting its sleep or yield`,
    )
    for (const wait of extras.waits) wait.onEnd(error)
    extras.waits.clear()
  }
}

/** Called in the async scope of a task, with the task as `this`. */
function execute(this: TaskRecord, executor: ThreadExecutor<never>): unknown {
  const value = this.has(isBarrier) ? (this.task as Closure)(this) : executor.execute(this.task as never, this)
  // Here, for a thenable may start its work when its `then` is called: in the task's context, as the rest of the task.
  return typeof value === 'object' || typeof value === 'function' ? withoutThenable(value) : value
}

function executeSurrounded(this: TaskRecord, executor: ThreadExecutor<never>): unknown {
  return this.runner.pool.hooks.around(this, execute, executor)
}
