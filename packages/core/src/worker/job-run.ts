import type { Clock, TimerHandle } from '../clock.ts'
import type { TaskExecution } from '../executor.ts'
import type { Job } from './job.ts'
import type { ThreadLife } from './thread-life.ts'

/** What a run is told of its lane. */
export interface RunSettings {
  readonly clock: Clock
  /** From the abort of a running task to the end of its thread, in milliseconds; 0 = at once (C3). */
  readonly abortGraceMs: number
}

/** A batch that is not over after so many milliseconds has a task in it that takes longer than it did before. */
const slowBatchMs = 20

/** A thread that has nothing to run has at least so many milliseconds to come by. */
const comesByMs = 100

/**
 * One job on one thread, until the thread is done with it or has ended. What waits for the job or the thread waits here, and
 * is over with it: nothing that was begun for one thread or job can act on another.
 */
export class JobRun {
  readonly job: Job
  readonly #life: ThreadLife
  readonly #settings: RunSettings
  readonly #onEnded: (run: JobRun) => void
  #timers: Set<TimerHandle> | undefined
  #isAwaited = false
  #isOver = false

  /** `onEnded`: every task has an outcome, and the thread is free unless it is being ended. */
  constructor(job: Job, life: ThreadLife, settings: RunSettings, onEnded: (run: JobRun) => void) {
    this.job = job
    this.#life = life
    this.#settings = settings
    this.#onEnded = onEnded
  }

  start(): void {
    const { thread, wire } = this.#life
    for (const execution of this.job.executions) execution.thread = thread.threadId
    wire.send(this.job, this)
    if (this.job.isWatched) this.#watchBatch()
  }

  /** Nothing comes of it any more. */
  end(): void {
    this.#isOver = true
    for (const timer of this.#timers ?? []) timer.cancel()
    this.#timers = undefined
  }

  onJobEnded(): void {
    this.end()
    this.#onEnded(this)
  }

  abort(execution: TaskExecution): void {
    const { abortGraceMs } = this.#settings
    const { wire, standing } = this.#life
    const index = this.job.executions.indexOf(execution)
    if (this.#isOver || index < 0) return
    const was = wire.abort(index)
    if (was === 'over' || abortGraceMs === Number.POSITIVE_INFINITY) return
    if (was === 'queued') void standing.then(() => this.#awaitComing(wire.isRunning))
    else if (abortGraceMs === 0) this.#kill(index)
    else this.#after(abortGraceMs, () => this.#kill(index))
  }

  /** Its tasks were quick when they ran last; one that is not keeps no other waiting. */
  #watchBatch(): void {
    this.#after(slowBatchMs, () => {
      if (this.#life.wire.lookAhead()) this.job.tellSlow()
      else this.#watchBatch()
    })
  }

  /**
   * A task that will not start is over when the thread has come by. It never does where code that an ended task left
   * behind holds it: then it is ended too. Not where a task has run until now: between two of a batch none does.
   */
  #awaitComing(hasRun: boolean): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    this.#after(Math.max(this.#settings.abortGraceMs, comesByMs), () => {
      this.#isAwaited = false
      const { wire } = this.#life
      const { isRunning } = wire
      if (!isRunning && !hasRun && wire.isolateNone()) this.#life.end('code that an ended task left behind held it')
      else this.#awaitComing(isRunning)
    })
  }

  #kill(index: number): void {
    // Taken back first, so that no task of this job can start between the look and the end.
    if (this.#life.wire.isolate(index)) this.#life.end('its task was cancelled and did not end in time')
  }

  /** Where it was this thread that was busy, what the other has sent meanwhile comes first. */
  #after(ms: number, callback: () => void): void {
    if (this.#isOver) return
    const { clock } = this.#settings
    const onDue = (): void => {
      this.#timers?.delete(timer)
      if (!this.#isOver && !this.#life.isBeingEnded) callback()
    }
    const timer = clock.setTimer(ms, () => clock.nextTurn(onDue), { unref: true })
    this.#timers ??= new Set()
    this.#timers.add(timer)
  }
}
