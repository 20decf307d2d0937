import type { TimerHandle } from './clock.ts'
import { PoolClosedError } from './errors.ts'
import { appendOrigin } from './origin.ts'
import type { Task } from './task.ts'
import { isBarrier, type TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/** A task that a closing pool did not let run to its end. */
export interface LostTask {
  readonly outcome: 'dropped' | 'terminated'
  readonly id: number
  readonly name: string
  /** The name of its runner. */
  readonly runner: string
}

/** Options of the close of a pool. Times are milliseconds from the call on. */
export interface CloseOptions {
  /** After this time what is left is given up: threads are ended, and nothing is waited for any more (W6). */
  readonly timeoutMs?: number | undefined
  /** After this time what still runs is cancelled: its `context.signal` fires, and it is waited for (C2, C3). */
  readonly signalAfterMs?: number | undefined
}

/** What became of a pool's tasks since its close began (W6). */
export interface CloseReport {
  /** Tasks that ran to their end. */
  readonly completed: number
  /** Queued and delayed tasks that were given up. */
  readonly dropped: number
  /** Tasks that were running when the pool was terminated. */
  readonly terminated: number
  /** The dropped and the terminated ones by name, in the order in which they were given up. */
  readonly lost: readonly LostTask[]
}

/** The end of a pool: closed once, perhaps terminated, with one report for all who ask. */
export class PoolClosing<Accepts extends Task> {
  readonly #pool: ThreadPool<Accepts>
  readonly #runners: readonly TaskRunner[]
  readonly #before: number
  readonly #report: Promise<CloseReport>
  #finish: (report: CloseReport) => void = () => {}
  #fail: (error: unknown) => void = () => {}
  #isClosing = false
  #timer: TimerHandle | undefined
  #signalTimer: TimerHandle | undefined
  #isTerminated = false
  #hasEnded = false
  readonly #lost: LostTask[] = []

  constructor(pool: ThreadPool<Accepts>) {
    this.#pool = pool
    this.#runners = pool.runners
    this.#before = this.#completed()
    this.#report = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
  }

  close({ timeoutMs, signalAfterMs }: CloseOptions): Promise<CloseReport> {
    if (!this.#isClosing) {
      this.#isClosing = true
      void this.#closeAll().catch(this.#fail)
    }
    if (timeoutMs !== undefined && !this.#isTerminated && !this.#hasEnded) {
      this.#timer?.cancel()
      this.#timer = this.#pool.clock.setTimer(timeoutMs, () => void this.terminate())
    }
    if (signalAfterMs !== undefined && !this.#isTerminated && !this.#hasEnded) {
      this.#signalTimer?.cancel()
      this.#signalTimer = this.#pool.clock.setTimer(signalAfterMs, () => this.#signalRunning(signalAfterMs))
    }
    return this.#report
  }

  terminate(): Promise<CloseReport> {
    if (!this.#isTerminated && !this.#hasEnded) void this.#terminateAll().catch(this.#fail)
    return this.#report
  }

  /** A task will not run to its end. A flush is no task. */
  onLost(record: TaskRecord, outcome: LostTask['outcome']): void {
    if (record.has(isBarrier) || this.#hasEnded) return
    this.#lost.push({ outcome, id: record.id, name: record.name, runner: record.runner.name })
  }

  async #closeAll(): Promise<void> {
    this.#pool.pump.liftFences()
    // Later runners may use earlier ones, so they go first (W6).
    for (const runner of this.#runners.toReversed()) {
      // Not its promise: in a task of that runner it would refuse to wait for itself (W3), and the pool waits for all.
      void runner.close()
      await runner.closed
    }
    if (this.#isTerminated) return
    const { executor } = this.#pool
    if (this.#pool.pump.active > 0 && executor.capabilities.terminate) await this.#terminateAll()
    else {
      await executor.close()
      this.#end()
    }
  }

  async #terminateAll(): Promise<void> {
    this.#isTerminated = true
    const error = new PoolClosedError(`pool "${this.#pool.name}" was terminated`)
    for (const runner of this.#runners) runner.terminate(error)
    await this.#pool.executor.terminate()
    this.#end()
  }

  /** What starts later has its time: cleaning up may need runners that close behind this one (W6). */
  #signalRunning(afterMs: number): void {
    const reasonFor = (record: TaskRecord): Error => {
      const error = new PoolClosedError(
        `task "${record.name}" on runner "${record.runner.name}" still ran ${afterMs} ms after pool "${this.#pool.name}" began to close; let it watch context.signal`,
      )
      return appendOrigin(error, record)
    }
    for (const runner of this.#runners) runner.abortRunning(reasonFor)
  }

  #end(): void {
    this.#hasEnded = true
    this.#timer?.cancel()
    this.#signalTimer?.cancel()
    this.#pool.turn.stop()
    // A task that no close waits for still has its sleeps and its turns (W8).
    if (this.#isTerminated) {
      this.#pool.pump.stop()
      this.#pool.delays.clear()
    }
    const lost = this.#lost
    const count = (outcome: LostTask['outcome']): number =>
      lost.reduce((sum, task) => sum + (task.outcome === outcome ? 1 : 0), 0)
    const completed = this.#completed() - this.#before
    this.#finish({ completed, dropped: count('dropped'), terminated: count('terminated'), lost })
  }

  #completed(): number {
    return this.#runners.reduce((sum, runner) => sum + runner.finished, 0)
  }
}
