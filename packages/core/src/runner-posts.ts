import type { AsyncScope } from './async-context.ts'
import { beginChange, endChange } from './callbacks.ts'
import { currentTask } from './current-task.ts'
import { captureOrigin, type Origin } from './origin.ts'
import { checkTask, flagsOf, needsExtras, saysPriorityOnly } from './post-checks.ts'
import { takeOrigin } from './poster.ts'
import { type EngineOptions, RunnerQueue } from './runner-queue.ts'
import { SignalGroup } from './signal-group.ts'
import type { Closure, PostOptions, Task } from './task.ts'
import type { TaskPack } from './task-pack.ts'
import {
  cancelled,
  delayed,
  inheritsPriority,
  isBarrier,
  isTick,
  isUnref,
  levelShift,
  type Resolve,
  reportsToPromise,
  TaskRecord,
  type TaskSink,
} from './task-record.ts'
import type { ThreadPool } from './thread-pool.ts'
import { levelOf } from './traits.ts'

/** The ways into the queue of a runner. */
export abstract class RunnerPosts extends RunnerQueue {
  #frontOrder = 0
  /** Functions alone may wait in packs: nothing has to be known of them before their turn. */
  readonly #packs: boolean

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super(pool, options)
    this.#packs = pool.accepts.closures && !this.bound.isBounded && !pool.tracesOrigin && pool.seam === undefined
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
    if (options !== undefined) this.#take(record, options, scope)
    if (key !== undefined) this.extrasOf(record).key = key
    // The post that wakes the pump up needs no scope: the pump comes in its context. Not where a hook may post first.
    const wakesPump = pool.bringsContext && scope === undefined && pool.pump.isIdle && !pool.hooks.observed && !this.isBounded
    if (pool.bringsContext && !wakesPump) record.scope = scope ?? pool.captureScope()
    if (delay > 0 && pool.hooks.observed) this.extrasOf(record).poster = currentTask()
    // A reply comes from where its task was posted. `run` and `flush` have a frame more than the others.
    if (pool.tracesOrigin) this.extrasOf(record).origin = takeOrigin() ?? captureOrigin((traits & reportsToPromise) === 0 ? 2 : 3)
    beginChange()
    const due = this.#accept(record, options?.signal, delay)
    if (wakesPump && !record.isSettled && !pool.pump.adopt(record)) record.scope = pool.captureScope()
    if (pool.seam?.posted !== undefined && !record.isSettled && !record.has(isBarrier)) {
      pool.seam.posted(this.self, record, record.name, due, undefined, record.has(isUnref))
    }
    endChange()
    return record
  }

  /** Gives the record its place, unless it is refused or cancelled already. Returns when it is due, if it is delayed. */
  #accept(record: TaskRecord, signal: AbortSignal | undefined, delay: number): number | undefined {
    if (!this.acceptsPost(record.bits, delay > 0)) this.refuse(record, 'runner-closed', this.closedError(record))
    else if (signal === undefined || this.#join(record, signal)) {
      if (delay === 0) this.enqueue(record)
      else {
        const due = this.pool.clock.now() + delay
        this.#delay(record, due)
        return due
      }
    }
    return undefined
  }

  /**
   * @internal The pack that takes a function of which nothing is said but perhaps its priority, and counts it from now
   * on; undefined where it needs a record.
   */
  protected packFor(task: Task, options: PostOptions | undefined): TaskPack | undefined {
    if (!this.#packs || typeof task !== 'function' || (options !== undefined && !saysPriorityOnly(options))) return undefined
    if (this.pool.hooks.observed || this.isClosed) return undefined
    const priority = options?.priority
    const level = priority === undefined ? this.ownLevel : levelOf(priority)
    const traits = (level << levelShift) | (priority === undefined ? inheritsPriority : 0)
    return this.queue.packFor(this.self, level, traits, this.pool.pump)
  }

  /** @internal Gives a function its place in the pack. */
  protected pack(pack: TaskPack, task: Closure, id: number, sink: Resolve | undefined): number {
    const { pool } = this
    const scope = pool.bringsContext ? pool.captureScope() : undefined
    const index = pack.push(task, id, sink, scope, this.isTimed ? pool.clock.now() : undefined)
    pool.turn.retain()
    if (this.isNewsToPump(pack.level)) this.update()
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
    this.#take(record, options, scope)
    record.scope = scope
    if (origin !== undefined) this.extrasOf(record).origin = origin
    beginChange()
    if (options.signal === undefined || this.#join(record, options.signal)) this.#delay(record, due)
    endChange()
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
    this.refuse(record, 'runner-closed', this.closedError(record))
  }

  /** @internal Puts a task of ours ahead of everything else. */
  protected postAhead(task: Task, options: PostOptions, sink: TaskSink): void {
    const record = new TaskRecord(this.self, this.pool.takeId(), task, inheritsPriority | (this.ownLevel << 3), sink)
    this.#take(record, options)
    record.scope = this.pool.captureScope()
    record.order = --this.#frontOrder
    beginChange()
    this.waiters.joined()
    this.requeue(record, true)
    endChange()
  }

  /** @internal */
  protected postBarrier(callback: Task, resolve: Resolve): TaskRecord {
    const isAccepted = this.acceptsPost(isBarrier, false)
    beginChange()
    if (isAccepted) {
      this.queue.split(this.pool.nextId)
      this.barriers++
    }
    const record = this.submit(callback, { name: 'flush' }, resolve, reportsToPromise | isBarrier, 0)
    if (isAccepted) {
      this.queue.split(this.pool.nextId)
      this.update()
    }
    endChange()
    return record
  }

  /** @internal */
  onDelayPassed(record: TaskRecord): void {
    beginChange()
    this.leaveDelayed(record)
    this.enqueue(record, true)
    endChange()
  }

  #take(record: TaskRecord, options: PostOptions, scope?: AsyncScope): void {
    record.bits |= flagsOf(options)
    if (options.priority !== undefined) {
      record.level = levelOf(options.priority)
      record.bits &= ~inheritsPriority
    }
    if (!needsExtras(options)) return
    const extras = this.extrasOf(record)
    extras.take(options)
    if (options.onProgress !== undefined) extras.progressScope = scope ?? this.pool.captureProgressScope()
  }

  /** False where the signal has fired already: the task is over (C1). */
  #join(record: TaskRecord, signal: AbortSignal): boolean {
    if (signal.aborted) {
      this.outcomes.settle(record, cancelled, signal.reason)
      record.forget(true)
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
      this.retain(record)
      this.pool.pump.stayAlive()
    }
  }
}
