import type { Batches } from './batches.ts'
import { beginChange, endChange } from './callbacks.ts'
import { isTracking, runAsCurrent, setCurrent } from './current-task.ts'
import { TaskCancelledError } from './errors.ts'
import type { ThreadExecutor } from './executor.ts'
import { InFlight, isPromise, withoutThenable } from './in-flight.ts'
import { appendOrigin } from './origin.ts'
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
  running,
  sharesSlot,
  sharesTurn,
  succeeded,
  type TaskRecord,
  type TaskSink,
  travels,
} from './task-record.ts'
import { TaskRun } from './task-run.ts'
import type { ThreadPool } from './thread-pool.ts'
import { bestEffort } from './traits.ts'
import { noteReturned } from './wait-promise.ts'

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
  /** @internal Tasks that went to a thread behind others of a batch, and whose turn has not come. */
  readonly travelling: TaskList = new TaskList()
  readonly #isFifo: boolean
  /** Reported as started, and not given to the executor yet. */
  #startingNow: TaskRecord | undefined
  /** Slots in use: tasks of one batch share theirs. */
  #taken = 0
  #pauses = 0
  #givenUpFor: Error | undefined
  /** Running tasks that no close waits for (W8). */
  #continuing = 0
  /** A `flush` runs, which is no task (W1). */
  #flushes = 0

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super(pool, options)
    this.#isFifo = options.isFifo
    this.executor = pool.executor
  }

  /** @internal */
  get isBestEffort(): boolean {
    return (this.#isFifo ? this.queue.highestLevel : this.queue.highestToStart) === bestEffort
  }

  /** @internal */
  protected get starting(): number {
    const { pump } = this.pool
    if (this.#pauses > 0 || pump.isFenced || (pump.holdsBestEffort && this.isBestEffort)) return 0
    const free = this.isDedicated ? Number.POSITIVE_INFINITY : pump.freeSlots
    return Math.min(this.queue.available, this.maxConcurrency - this.#taken, free)
  }

  /** @internal The priority at which it started, as `maxBestEffort` counts it (P5). */
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
    beginChange()
    if (!this.isDedicated) pump.occupy(record, pump.limitsBestEffort ? this.#levelOf(record) : record.level)
    this.begin(record)
    if (batches === undefined && this.#taken < this.maxConcurrency && this.queue.available > 0) this.update()
    this.#startingNow = record
    endChange()
    this.#startingNow = undefined
    if (!this.mayExecute(record)) this.neverRan(record)
    else if (batches === undefined || !this.#startBatch(record, batches)) this.#execute(record)
  }

  /** False where it should go alone. By now observers know of its start: what they let travel with it goes along. */
  #startBatch(record: TaskRecord, batches: Batches): boolean {
    beginChange()
    const batch = this.isDedicated ? undefined : batches.gather(this, record)
    if (this.#taken < this.maxConcurrency && this.queue.available > 0) this.update()
    for (const { runner } of batch ?? []) if (runner !== this.self) (runner as RunnerEngine).update()
    endChange()
    if (batch !== undefined) batches.execute(batch)
    return batch !== undefined
  }

  /** @internal False if it was cancelled, or its pool terminated, since it was told that it starts (C1, W6). */
  mayExecute(record: TaskRecord): boolean {
    return !record.isSettled && this.#givenUpFor === undefined
  }

  /** @internal Ends a task that was to start, and may not. */
  neverRan(record: TaskRecord): void {
    beginChange()
    if (!record.isSettled) {
      this.pool.onTerminated(record)
      this.outcomes.settle(record, cancelled, this.#givenUpFor, true)
    }
    this.#finish(record)
    endChange()
  }

  /**
   * @internal Takes a task out of the queue: from here on it runs. `shares`: what it shares with others of its batch,
   * behind which it waits for its turn.
   */
  begin(record: TaskRecord, shares = 0): void {
    const { pump } = this.pool
    pump.ready.leave(this)
    this.lift = 0
    this.queue.take(record, pump.now)
    record.bits |= holdsSlot | shares
    this.running++
    if ((shares & sharesTurn) === 0) this.#taken++
    if (record.has(continuesOnShutdown)) this.#continuing++
    if (record.has(isBarrier)) this.#flushes++
    if (shares === 0) record.code = running
    else {
      record.bits |= travels
      this.travelling.push(record)
      this.travellers++
    }
    if (record.has(isTick)) (record.sink as TaskSink).onStart?.()
    if (this.bound.isBounded) {
      this.bound.count(record, -1)
      this.offerRoom()
    }
    if (record.extras !== undefined) this.#startLimits(record, record.extras)
    if (shares === 0 && this.isTimed) this.#startRun(record, this.pool.clock.now())
  }

  /** @internal A task travels no more: its turn has come, or will not come. */
  arrive(record: TaskRecord): void {
    if (!record.has(travels)) return
    record.bits &= ~travels
    this.travelling.remove(record)
    this.travellers--
    this.inFlight.push(record)
  }

  /** @internal The turn of a task that travelled came, at that time on the pool's clock; undefined: now. */
  startTurn(record: TaskRecord, startedAt: number | undefined): void {
    record.code = running
    if (this.isTimed) this.#startRun(record, startedAt ?? this.pool.clock.now())
  }

  /** @internal The task's promise settled, or its thread is free again. */
  ended(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    // A terminated pool has given the task up.
    if (!record.isHolding) return
    this.inFlight.remove(record)
    this.#conclude(record, state, value)
  }

  /** @internal The thread died before the turn of this task of a batch: it goes back to the head of the queue (F5). */
  lost(record: TaskRecord): void {
    this.arrive(record)
    if (record.isSettled || !record.isHolding) {
      this.ended(record, succeeded, undefined)
      return
    }
    beginChange()
    this.inFlight.remove(record)
    this.pool.stalls?.forget(record)
    const { run } = record
    if (run !== undefined) {
      record.watch = run.startedAt - run.waitMs
      this.extrasOf(record).losses++
    }
    this.#freeSlot(record)
    this.requeue(record)
    endChange()
  }

  /** @internal */
  cancel(record: TaskRecord, reason?: unknown): boolean {
    // An error with its stack costs microseconds: made only where somebody will see it.
    const tellsNobody = record.sink === undefined || record.sink instanceof TaskPack
    const isSeen = !tellsNobody || record.isHolding || this.isTimed
    return this.abort(record, reason === undefined && isSeen && !record.isSettled ? this.#cancelledError(record) : reason)
  }

  /** @internal Cancels for a reason: before the start it never runs (C1), afterwards its signal fires (C2). */
  abort(record: TaskRecord, reason: unknown, isForced = false): boolean {
    if (record.isSettled) return false
    beginChange()
    try {
      if (record.isHolding) {
        const extras = this.extrasOf(record)
        this.outcomes.settle(record, cancelled, reason, isForced)
        extras.abort(reason)
        // The executor has not got it yet.
        if (record !== this.#startingNow) this.executor.abort?.(record)
      } else {
        this.takeOut(record)
        this.outcomes.settle(record, cancelled, reason)
        this.dismiss(record)
      }
    } finally {
      endChange()
    }
    return true
  }

  /** @internal Gives up what runs (W6). */
  protected giveUpRunning(reason: Error): void {
    // A task that is in its synchronous part is given up behind it.
    this.#givenUpFor = reason
    beginChange()
    for (const record of [...this.inFlight, ...this.travelling]) {
      this.pool.onTerminated(record)
      this.abort(record, reason, true)
      this.arrive(record)
      this.inFlight.remove(record)
      this.#finish(record)
    }
    endChange()
  }

  /** @internal Cancels what runs, and still waits for it (C2). */
  abortRunning(reasonFor: (record: TaskRecord) => Error): void {
    for (const record of [...this.inFlight]) this.abort(record, reasonFor(record))
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

  /** @internal Started and not ended, a flush not counted. */
  protected get runningCount(): number {
    return this.running - this.travellers - this.#flushes
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

  #startRun(record: TaskRecord, startedAt: number): void {
    const { hooks, stalls } = this.pool
    const run = new TaskRun(record, startedAt - (record.queuedAt ?? startedAt), true, startedAt)
    record.watch = run
    stalls?.started(record, startedAt)
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
    let isPending = false
    const outer = setCurrent(record)
    try {
      const { executor } = this
      const { hooks } = this.pool
      const body = hooks.surrounds ? executeSurrounded : execute
      if (isTracking()) value = runAsCurrent(record, () => body.call(record, executor))
      else if (record.scope === undefined) value = body.call(record, executor)
      else value = record.scope.runInAsyncScope(body, record, executor)
      // Here, for a promise may have a getter that throws.
      isPending = isPromise(value)
      if (isPending) InFlight.watch(record, value as Promise<unknown>)
    } catch (error) {
      isPending = false
      state = failed
      value = error
    }
    setCurrent(outer)
    if (!isPending) {
      this.#conclude(record, state, value)
      return
    }
    this.inFlight.push(record)
    if (this.#givenUpFor !== undefined) this.giveUpRunning(this.#givenUpFor)
  }

  /** A started task is over, and its outcome known. */
  #conclude(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): void {
    beginChange()
    const isNew = this.#settle(record, state, value)
    this.#free(record)
    // Behind all that changes: to look at a value may run code of the user's. And ahead of what starts now (E2).
    if (isNew) this.outcomes.deliver(record, value)
    this.update()
    this.onSettled()
    endChange()
  }

  /** True if that is its outcome; false if it had one. */
  #settle(record: TaskRecord, state: typeof succeeded | typeof failed, value: unknown): boolean {
    const isNew = !record.isSettled
    if (isNew) this.outcomes.settle(record, state, value)
    else if (state === failed) this.outcomes.failedLate(record, value)
    return isNew
  }

  /** A task is over whose outcome is known: its slot is free. */
  #finish(record: TaskRecord): void {
    this.#free(record)
    this.update()
    this.onSettled()
  }

  #free(record: TaskRecord): void {
    if (record.extras !== undefined) this.#endExtras(record, record.extras)
    if (record.watch !== undefined) this.#endRun(record)
    record.forget(record.code !== succeeded)
    this.#freeSlot(record)
    this.release(record)
    if (!this.waiters.isEmpty) this.waiters.settled(record)
    if (record.has(isBarrier | isTick)) this.tellOthers(record)
  }

  #freeSlot(record: TaskRecord): void {
    this.running--
    if (!record.has(sharesTurn)) this.#taken--
    if (record.has(continuesOnShutdown)) this.#continuing--
    if (record.has(isBarrier)) this.#flushes--
    if (!this.isDedicated && !record.has(sharesSlot)) this.pool.pump.vacate(record)
    record.bits &= ~(holdsSlot | sharesSlot | sharesTurn)
    this.queue.ended(record)
  }

  #cancelledError(record: TaskRecord): TaskCancelledError {
    return appendOrigin(new TaskCancelledError(`task "${record.name}" on runner "${this.name}" was cancelled`), record)
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
  // An observer may have cancelled it in `onRun` (C1).
  if (this.isSettled) return undefined
  const value = this.has(isBarrier) ? (this.task as Closure)(this) : executor.execute(this.task as never, this)
  if (this.extras?.edges !== undefined) noteReturned(this, value)
  // Here, for a thenable may start its work when its `then` is called: in the task's context, as the rest of the task.
  return typeof value === 'object' || typeof value === 'function' ? withoutThenable(value) : value
}

function executeSurrounded(this: TaskRecord, executor: ThreadExecutor<never>): unknown {
  return this.runner.pool.hooks.around(this, execute, executor)
}
