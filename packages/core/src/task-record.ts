import type { AsyncScope } from './async-context.ts'
import { runAsCurrent } from './current-task.ts'
import type { DelayEntry } from './delay-queue.ts'
import type { TaskExecution } from './executor.ts'
import type { SignalMember } from './signal-group.ts'
import type { Task, TaskHandle, TaskPriority, TaskState } from './task.ts'
import { ownName, type TaskExtras, taskName } from './task-extras.ts'
import type { TaskPack } from './task-pack.ts'
import type { TaskRun } from './task-run.ts'
import type { TaskRunner } from './task-runner.ts'
import { priorityOf } from './traits.ts'

/** Where a record is in its life; the index of its name in `taskStates`. */
export type RecordState = 0 | 1 | 2 | 3 | 4 | 5 | 6
export const delayed = 0 as const
export const queued = 1 as const
export const running = 2 as const
export const succeeded = 3 as const
export const failed = 4 as const
export const cancelled = 5 as const
export const rejected = 6 as const

export const taskStates: readonly TaskState[] = ['delayed', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'rejected']

// The traits of a task, packed: a record has to be small. Bits 0-2 state, 3-4 priority level, the rest flags.
const stateMask = 0b111
export const levelShift = 3
const levelMask = 0b11 << levelShift
/** The priority is the runner's, and follows it (P3). */
export const inheritsPriority: number = 1 << 5
export const blocksShutdown: number = 1 << 6
export const continuesOnShutdown: number = 1 << 7
export const isUnref: number = 1 << 8
/** A barrier or a tick of a repeating task: does not count in `queueLimit` (Q1). */
export const isBarrier: number = 1 << 9
export const isTick: number = 1 << 10
/** `sink` is the `resolve` of a promise: the pump lets microtasks run after this task (E2). */
export const reportsToPromise: number = 1 << 11
/** Started while best-effort, so it counts in `maxBestEffort` until it ends (P5). */
export const countsAsBestEffort: number = 1 << 12

/** Started, and its slot is not free yet; an outcome may be known already (C2). */
export const holdsSlot: number = 1 << 13

/** Keeps the process alive (E3). */
export const isRetained: number = 1 << 14

/** Runs behind another task of a batch, in whose slot of the executor it is. */
export const sharesSlot: number = 1 << 15
/** The other one is of the same runner, so it takes no more of `maxConcurrency` either. */
export const sharesTurn: number = 1 << 16

/** It is on its way, or on the thread: its turn in the batch has not come. */
export const travels: number = 1 << 17

/** Waits in a pack, at a place that is told by the bits above it. */
export const isPacked: number = 1 << 18
export const packIndexShift = 19

/** Who is told of an outcome, where it is neither a promise nor, for a failure, the error hook. */
export interface TaskSink {
  /** True where somebody was told; else a failure or a rejection goes to the pool's hooks. */
  onSettled(record: TaskRecord, state: RecordState, value: unknown): boolean
  /** It starts now. */
  onStart?(): void
  /** Its slot is free again, or it never had one: nothing of it goes on (C2: this may be long after the outcome). */
  onEnded?(): void
}

/** `resolve` of the promise that `run` returned. Only that one is kept: rejecting goes through it too. */
export type Resolve = (value: unknown) => void

/**
 * A task in the engine, and at once the poster's handle and the task's own context: one object per task. What few
 * tasks need lies in `extras`.
 */
export class TaskRecord implements TaskHandle, TaskExecution, DelayEntry, SignalMember {
  /**
   * Never posted and never collected. Optimised code holds the hidden class of its objects weakly: without one record
   * alive, each garbage collection of an idle process would throw the optimised engine away.
   */
  static readonly keptAlive: TaskRecord = new TaskRecord(undefined as never, 0, undefined as never, 0, undefined)

  readonly runner: TaskRunner
  readonly id: number
  /** Released as soon as it will not be called any more. What never runs to a good end keeps its name here. */
  task: Task | string | undefined
  bits: number
  /** Place among the tasks of the runner, taken when it joins the queue; while delayed, place in the delay queue. */
  order = 0
  next: TaskRecord | undefined = undefined
  prev: TaskRecord | undefined = undefined
  pack: TaskPack | undefined = undefined
  extras: TaskExtras | undefined = undefined
  scope: AsyncScope | undefined = undefined
  /** Where somebody measures: while it waits, since when it is queued; then its run, until it is over. */
  watch: number | TaskRun | undefined = undefined
  readonly sink: Resolve | TaskSink | undefined

  constructor(runner: TaskRunner, id: number, task: Task, bits: number, sink: Resolve | TaskSink | undefined) {
    this.runner = runner
    this.id = id
    this.task = task
    this.bits = bits
    this.sink = sink
  }

  get code(): RecordState {
    return (this.bits & stateMask) as RecordState
  }

  set code(state: RecordState) {
    this.bits = (this.bits & ~stateMask) | state
  }

  get level(): number {
    return (this.bits & levelMask) >> levelShift
  }

  set level(level: number) {
    this.bits = (this.bits & ~levelMask) | (level << levelShift)
  }

  /** Its level, and whether that is the runner's. */
  get queueTraits(): number {
    return this.bits & (levelMask | inheritsPriority)
  }

  has(flag: number): boolean {
    return (this.bits & flag) !== 0
  }

  get isHolding(): boolean {
    return (this.bits & holdsSlot) !== 0
  }

  get isSettled(): boolean {
    return (this.bits & stateMask) > running
  }

  get state(): TaskState {
    return taskStates[this.bits & stateMask] as TaskState
  }

  get name(): string {
    return this.extras?.name || taskName(this.task, this.id)
  }

  get priority(): TaskPriority {
    return priorityOf(this.level)
  }

  get signal(): AbortSignal {
    return this.runner.extrasOf(this).signal
  }

  get aborted(): boolean {
    return this.extras?.aborted ?? false
  }

  get abortReason(): unknown {
    return this.extras?.abortReason
  }

  get transfer(): readonly object[] | undefined {
    return this.extras?.transfer
  }

  get carrier(): Readonly<Record<string, string>> | undefined {
    return this.extras?.carrier
  }

  get wantsProgress(): boolean {
    return this.extras?.onProgress !== undefined
  }

  /** Not counted by a bound (Q1): a barrier, a tick, or a task of ours that goes ahead of all others. */
  get isExempt(): boolean {
    return this.order < 0 || (this.bits & (isBarrier | isTick)) !== 0
  }

  /** It had a delay, or is a tick: its place in the queue was given to it when it was due. */
  get isDelayed(): boolean {
    return this.order > this.id
  }

  get queuedAt(): number | undefined {
    return typeof this.watch === 'number' ? this.watch : undefined
  }

  get run(): TaskRun | undefined {
    return typeof this.watch === 'object' ? this.watch : undefined
  }

  get thread(): number | undefined {
    return this.run?.thread
  }

  set thread(id: number | undefined) {
    // Kept where somebody measures; a record has no room for what nobody asks for.
    const { run } = this
    if (run !== undefined) run.thread = id
  }

  /**
   * It will not be called any more: its handle keeps nothing of it alive. To read the name of a function costs as much as
   * the rest, so most of those that succeed do without.
   */
  forget(keepsName: boolean): void {
    this.task = keepsName ? ownName(this.task) : undefined
    this.scope = undefined
    this.extras?.forget()
  }

  cancel(reason?: unknown): boolean {
    return this.runner.cancel(this, reason)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }

  sleep(ms: number): Promise<void> {
    return this.runner.pool.sleep(this, ms)
  }

  yield(): Promise<void> {
    return this.runner.pool.yieldTask(this)
  }

  progress(value: unknown): void {
    this.runner.progress(this, value)
  }

  enter<R>(body: () => R): R {
    return runAsCurrent(this, body)
  }

  onDue(): void {
    this.runner.onDelayPassed(this)
  }

  onSignal(reason: unknown): void {
    this.runner.abort(this, reason)
  }
}
