import type { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from '../clock.ts'
import { WorkerCrashedError } from '../errors.ts'
import type { TaskExecution, ThreadOptions } from '../executor.ts'
import type { Job } from './job.ts'
import type { RunTimes } from './run-times.ts'
import type { ThreadHolder } from './thread-holder.ts'
import { startLife, type ThreadLife } from './thread-life.ts'
import { ThreadOutput } from './thread-output.ts'
import { Wire } from './wire.ts'

/** What the lanes of an executor share. */
export interface LaneSettings {
  readonly clock: Clock
  readonly runTimes: RunTimes
  /** From the abort of a running task to the end of its thread, in milliseconds; 0 = at once (C3). */
  readonly abortGraceMs: number
  /** What was lost with a thread once, before it started. */
  readonly lost: WeakSet<TaskExecution>
  /** Makes a thread, by way of the library. */
  makeHolder(): ThreadHolder
  onStray(error: unknown): void
}

/** A batch that is not over after so many milliseconds has a task in it that takes longer than it did before. */
const slowBatchMs = 20

/** A thread that has nothing to run has at least so many milliseconds to come by. */
const comesByMs = 100

/**
 * One thread of a library and its replacements: a slot. Started by its first job; runs one job at a time. A job is over
 * when the thread is free again, which after a crash or a kill means: the old thread's end was seen, and a new one
 * stands.
 */
export class Lane {
  readonly #settings: LaneSettings
  /** Of a thread of one's own (S4). */
  readonly #owner: Omit<ThreadOptions, 'name'> | undefined
  #holder: ThreadHolder | undefined
  #life: ThreadLife | undefined
  #job: Job | undefined
  #isKilling = false
  readonly #graces: TimerHandle[] = []
  #watch: TimerHandle | undefined
  #comesBy: TimerHandle | undefined
  /** Threads started so far. */
  started = 0
  completed = 0
  idleSince = 0

  constructor(settings: LaneSettings, owner?: Omit<ThreadOptions, 'name'>) {
    this.#settings = settings
    this.#owner = owner
  }

  get isWarm(): boolean {
    return this.#life !== undefined
  }

  get isBusy(): boolean {
    return this.#job !== undefined
  }

  get thread(): Worker | undefined {
    return this.#life?.thread
  }

  run(job: Job): void {
    this.#job = job
    try {
      this.#life ??= this.#start()
    } catch (cause) {
      job.rejectRest(new WorkerCrashedError('a thread could not be started', undefined, { cause }))
      this.#finish(job)
      return
    }
    this.#send(this.#life, job)
  }

  #send({ thread, wire }: ThreadLife, job: Job): void {
    for (const execution of job.executions) execution.thread = thread.threadId
    wire.send(job)
    if (job.isWatched && job === this.#job) this.#watchBatch(wire, job)
  }

  /** Its tasks were quick when they ran last; one that is not keeps no other waiting. */
  #watchBatch(wire: Wire, job: Job): void {
    const { clock } = this.#settings
    const onOver = (): void => {
      if (job !== this.#job) return
      if (wire.lookAhead()) job.tellSlow()
      else this.#watchBatch(wire, job)
    }
    // Where it was this thread that was busy, the outcomes are here and come first.
    this.#watch = clock.setTimer(slowBatchMs, () => clock.nextTurn(onOver), { unref: true })
  }

  /** Starts the thread; resolves when it stands. */
  async warm(): Promise<void> {
    this.#life ??= this.#start()
    const life = this.#life
    await life.standing
    if (!life.serves) throw this.#crash(life)
  }

  abort(execution: TaskExecution): void {
    const { abortGraceMs, clock } = this.#settings
    const life = this.#life
    const index = life?.wire.indexOf(execution) ?? -1
    if (life === undefined || index < 0) return
    const was = life.wire.abort(index)
    if (was === 'over' || abortGraceMs === Number.POSITIVE_INFINITY) return
    if (was === 'queued') {
      const job = this.#job
      void life.standing.then(() => this.#awaitComing(life, job, life.wire.isRunning))
      return
    }
    if (abortGraceMs === 0) {
      this.#kill(life, index)
      return
    }
    const job = this.#job
    // A task that ended in time has left the job's number behind: then there is nothing to kill.
    const onOver = (): void => {
      if (job === this.#job) this.#kill(life, index)
    }
    this.#graces.push(clock.setTimer(abortGraceMs, onOver, { unref: true }))
  }

  /**
   * A task that will not start is over when the thread has come by. It never does where code that an ended task left
   * behind holds it: then it is ended too. Not where a task has run until now: between two of a batch none does.
   */
  #awaitComing(life: ThreadLife, job: Job | undefined, hasRun: boolean): void {
    if (life !== this.#life || job !== this.#job || this.#comesBy !== undefined) return
    const { abortGraceMs, clock } = this.#settings
    const onOver = (): void => {
      if (job !== this.#job || this.#isKilling) return
      this.#comesBy = undefined
      const { isRunning } = life.wire
      if (!isRunning && !hasRun && life.wire.isolateNone()) this.#end(life, 'code that an ended task left behind held it')
      else this.#awaitComing(life, job, isRunning)
    }
    // Where it was this thread that was busy, the other has come by and is heard first.
    const ms = Math.max(abortGraceMs, comesByMs)
    this.#comesBy = clock.setTimer(ms, () => clock.nextTurn(onOver), { unref: true })
  }

  /** Ends the thread of a lane without a job. The next job starts another. */
  async release(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    await this.#destroy(life, 'it was released')
  }

  /** Ends the thread and what it runs, for good. */
  async terminate(): Promise<void> {
    await this.#destroy(this.#life, 'it was terminated')
  }

  async #destroy(life: ThreadLife | undefined, reason: string): Promise<void> {
    const holder = this.#holder
    this.#holder = undefined
    if (life === undefined) return
    life.endedFor ??= reason
    holder?.destroy().catch(() => {})
    await life.exited
  }

  #start(): ThreadLife {
    const holder = (this.#holder ??= this.#settings.makeHolder())
    const { thread } = holder
    if (thread === undefined) {
      this.#giveUp(holder)
      return this.#start()
    }
    const wire = new Wire(this.#settings.runTimes, this, new ThreadOutput(thread, this.#settings.clock))
    this.started++
    return startLife(holder, thread, wire, (life) => this.#onExit(life, holder))
  }

  onStray(error: unknown): void {
    this.#settings.onStray(error)
  }

  onJobEnded(job: Job): void {
    // While the thread is being ended the job waits for its replacement.
    if (this.#isKilling) return
    this.#finish(job)
  }

  #kill(life: ThreadLife, index: number): void {
    // It may have ended by itself, and another stands in.
    if (life !== this.#life) return
    // Taken back first, so that no task of this job can start between the look and the end.
    if (life.wire.isolate(index)) this.#end(life, 'its task was cancelled and did not end in time')
  }

  #end(life: ThreadLife, reason: string): void {
    this.#isKilling = true
    life.endedFor = reason
    void life.thread.terminate()
  }

  #onExit(life: ThreadLife, holder: ThreadHolder): void {
    // First: it may have told why it ends.
    life.wire.drain()
    const error = this.#crash(life)
    const serves = life.serves || life.wire.isServed
    let hasCut = life.wire.close(() => error)
    // Released: the lane may be with its next thread already.
    if (life !== this.#life) return
    this.#life = undefined
    this.#isKilling = false
    const isWanted = this.#holder === holder
    const job = this.#job
    // The end of a thread that we ended is no fault of what it had not started.
    if (life.endedFor === undefined && job?.rejectLostAgain(this.#settings.lost, error)) hasCut = true
    if (isWanted) this.#tellOwner(job, error, serves)
    // Of what ran there everything had ended: the end of the thread is no task's fault.
    if (isWanted && !hasCut && life.endedFor === undefined) this.onStray(error)
    if (isWanted && serves) {
      this.#replace(this.#job, error)
      return
    }
    if (isWanted) this.#giveUp(holder)
    if (job === undefined) return
    job.rejectRest(error)
    this.#finish(job)
  }

  /** What was not started must not run on a thread whose state is gone (S4): it is the owner's again, or rejects. */
  #tellOwner(job: Job | undefined, error: Error, serves: boolean): void {
    const unstarted = serves && job?.mayRunAgain ? job.executions[0] : undefined
    if (job !== undefined && unstarted !== undefined && this.#owner?.takeBack?.(unstarted)) this.#finish(job)
    this.#owner?.onLost(error)
  }

  #giveUp(holder: ThreadHolder): void {
    this.#holder = undefined
    holder.destroy().catch(() => {})
  }

  #replace(job: Job | undefined, error: Error): void {
    let life: ThreadLife
    try {
      life = this.#life = this.#start()
    } catch {
      if (job === undefined) return
      job.rejectRest(error)
      this.#finish(job)
      return
    }
    if (job === undefined) return
    if (job.mayRunAgain && this.#owner === undefined) {
      job.startOver()
      this.#send(life, job)
      return
    }
    if (job.tasks.length === 1) job.rejectRest(error)
    void life.standing.then(() => this.#finish(job))
  }

  #crash(life: ThreadLife): WorkerCrashedError {
    const code = life.exitCode
    const cause = life.wire.cause ?? life.cause
    if (cause !== undefined) {
      const reason = cause instanceof Error ? cause.message : 'what was thrown is no Error'
      return new WorkerCrashedError(`the thread ended by an error: ${reason}`, code, { cause })
    }
    const reason = life.endedFor === undefined ? `with exit code ${code}` : `because ${life.endedFor}`
    return new WorkerCrashedError(`the thread ended ${reason}`, code)
  }

  #finish(job: Job): void {
    if (job !== this.#job) return
    this.#job = undefined
    this.#watch?.cancel()
    this.#comesBy?.cancel()
    this.#comesBy = undefined
    for (const grace of this.#graces.splice(0)) grace.cancel()
    this.completed += job.tasks.length
    job.finish()
  }
}
