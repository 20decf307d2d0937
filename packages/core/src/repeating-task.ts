import type { AsyncScope } from './async-context.ts'
import { captureOrigin, type Origin } from './origin.ts'
import type { PostOptions, Task } from './task.ts'
import { isTimeout } from './task-outcome.ts'
import { delayed, failed, type RecordState, type TaskRecord, type TaskSink } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import { checkedTime } from './traits.ts'

/** Options of a repeating task. */
export interface RepeatOptions extends PostOptions {
  /** From the post to the first start, in ms. Default: the interval. */
  initialDelay?: number | undefined
  /** From the end of a run to the next start (default), or from start to start on a grid (D3). */
  mode?: 'fixed-delay' | 'fixed-rate' | undefined
  /** Whether the repetition outlives a run that throws or runs into its time limit (D4). Default `continue`. */
  onError?: 'continue' | 'stop' | undefined
}

/** What `postRepeatingTask` returns. Always tells the truth (D4). */
export interface RepeatingTaskHandle extends Disposable {
  readonly name: string
  /** `failed`: a run failed and `onError` is `stop`. `closed`: its runner was shut down. */
  readonly state: 'scheduled' | 'running' | 'stopped' | 'failed' | 'closed'
  /** Runs that were started. */
  readonly runCount: number
  /** When the next run is due, on the pool's clock; undefined while one runs or waits in the queue, and at the end. */
  readonly nextDue: number | undefined
  /** Prevents every later start, from inside the task too, and lets a running one finish (D5). */
  stop(): void
}

/** Posts one tick after the other; never two at a time (D3). */
export class RepeatingTask implements RepeatingTaskHandle, TaskSink {
  readonly name: string
  runCount = 0
  readonly #runner: TaskRunner
  #task: Task | undefined
  readonly #interval: number
  #options: RepeatOptions
  #scope: AsyncScope | undefined
  readonly #origin: Origin | undefined
  #end: 'stopped' | 'failed' | 'closed' | undefined
  #tick: TaskRecord | undefined
  #due: number

  constructor(runner: TaskRunner, task: Task, interval: number, options: RepeatOptions, name: string) {
    checkedTime(interval, 'interval')
    const initialDelay = checkedTime(options.initialDelay ?? interval, 'initialDelay')
    const { mode, onError } = options
    if (mode !== undefined && mode !== 'fixed-delay' && mode !== 'fixed-rate')
      throw new TypeError(`mode must be fixed-delay or fixed-rate, not ${String(mode)}`)
    if (onError !== undefined && onError !== 'continue' && onError !== 'stop')
      throw new TypeError(`onError must be continue or stop, not ${String(onError)}`)
    this.name = name
    this.#runner = runner
    this.#task = task
    this.#interval = interval
    this.#options = { ...options }
    this.#scope = options.onProgress === undefined ? runner.pool.captureScope() : runner.pool.captureProgressScope()
    // From the constructor up to the public method.
    this.#origin = runner.pool.tracesOrigin ? captureOrigin(3) : undefined
    this.#due = runner.pool.clock.now() + initialDelay
  }

  get state(): RepeatingTaskHandle['state'] {
    if (this.#end !== undefined) return this.#end
    return this.#tick?.isHolding ? 'running' : 'scheduled'
  }

  get nextDue(): number | undefined {
    return this.#end === undefined && this.#tick?.code === delayed ? this.#due : undefined
  }

  stop(): void {
    if (this.#end === undefined) this.end('stopped')
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  /** @internal */
  end(how: 'stopped' | 'failed' | 'closed'): void {
    this.#end = how
    this.#runner.forget(this)
    if (this.#tick !== undefined) this.#runner.withdraw(this.#tick)
    // The handle may be kept.
    this.#task = this.#scope = undefined
    this.#options = {}
  }

  /** @internal Its runner was closed already. */
  refuse(): void {
    this.#runner.refuseTick(this.#task as Task, this.#options)
    this.end('closed')
  }

  /** @internal Schedules the next tick. */
  schedule(): void {
    this.#tick = this.#runner.postTick(this.#task as Task, this.#options, this, this.#due, this.#scope, this.#origin)
  }

  /** A run starts. */
  onStart(): void {
    this.runCount++
  }

  /** An outcome of a run. */
  onSettled(_record: TaskRecord, state: RecordState, value: unknown): boolean {
    if (this.#end === undefined) {
      if ((state === failed || isTimeout(value)) && this.#options.onError === 'stop') this.end('failed')
      else if (this.#options.signal?.aborted) this.end('stopped')
    }
    // A failure is nobody's but the error hook's, a time limit too (F2).
    return false
  }

  /** A run is really over. */
  onEnded(): void {
    if (this.#end !== undefined) return
    const now = this.#runner.pool.clock.now()
    if (this.#options.mode === 'fixed-rate' && this.#interval > 0) {
      // On the original grid: missed ticks are skipped (D3).
      const missed = Math.floor((now - this.#due) / this.#interval)
      const next = this.#due + Math.max(1, missed) * this.#interval
      // An interval that is too small for the clock has no grid.
      this.#due = Number.isFinite(next) ? (next < now ? next + this.#interval : next) : now
    } else this.#due = now + this.#interval
    this.schedule()
  }
}
