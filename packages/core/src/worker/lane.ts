import type { Worker } from 'node:worker_threads'
import { WorkerCrashedError } from '../errors.ts'
import type { TaskExecution, ThreadOptions } from '../executor.ts'
import type { Job } from './job.ts'
import { JobRun, type RunSettings } from './job-run.ts'
import type { RunTimes } from './run-times.ts'
import type { ThreadHolder } from './thread-holder.ts'
import { ThreadLife } from './thread-life.ts'
import { ThreadOutput } from './thread-output.ts'
import { Wire } from './wire.ts'

/** What the lanes of an executor share. */
export interface LaneSettings extends RunSettings {
  readonly runTimes: RunTimes
  /** What was lost with a thread once, before it started. */
  readonly lost: WeakSet<TaskExecution>
  /** Makes a thread, by way of the library. */
  makeHolder(): ThreadHolder
  onStray(error: unknown): void
}

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
  /** The job on the thread: none while it waits for a thread's end, or for the next one. */
  #run: JobRun | undefined
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

  /** Starts the thread; resolves when it stands. */
  async warm(): Promise<void> {
    this.#life ??= this.#start()
    const life = this.#life
    await life.standing
    if (!life.serves) throw life.crash
  }

  abort(execution: TaskExecution): void {
    this.#run?.abort(execution)
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
    life.expectEnd(reason)
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
    // oxlint-disable-next-line typescript/unbound-method -- called with its object
    const { runTimes, clock, onStray } = this.#settings
    const wire = new Wire(runTimes, onStray, new ThreadOutput(thread, clock))
    this.started++
    return new ThreadLife(holder, thread, wire, (life) => this.#onExit(life, holder))
  }

  #send(life: ThreadLife, job: Job): void {
    const run = new JobRun(job, life, this.#settings, () => {
      this.#run = undefined
      // While the thread is being ended the job waits for its replacement.
      if (!life.isBeingEnded) this.#finish(job)
    })
    this.#run = run
    run.start()
  }

  #onExit(life: ThreadLife, holder: ThreadHolder): void {
    // First: it may have told why it ends.
    life.wire.drain()
    const error = life.crash
    const { serves } = life
    let hasCut = life.wire.close(() => error)
    // Released: the lane may be with its next thread already.
    if (life !== this.#life) return
    this.#life = undefined
    this.#run?.end()
    this.#run = undefined
    const isWanted = this.#holder === holder
    const job = this.#job
    // The end of a thread that we ended is no fault of what it had not started.
    if (!life.isBeingEnded && job?.rejectLostAgain(this.#settings.lost, error)) hasCut = true
    if (isWanted) this.#tellOwner(job, error, serves)
    // Of what ran there everything had ended: the end of the thread is no task's fault.
    if (isWanted && !hasCut && !life.isBeingEnded) this.#settings.onStray(error)
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

  #finish(job: Job): void {
    if (job !== this.#job) return
    this.#job = undefined
    this.completed += job.tasks.length
    job.finish()
  }
}
