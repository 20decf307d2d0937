import { beginChange, endChange } from './callbacks.ts'
import { RunnerClosedError } from './errors.ts'
import type { RejectionReason } from './observer.ts'
import { currentPoster } from './poster.ts'
import type { RepeatingTask } from './repeating-task.ts'
import { RunnerEngine } from './runner-engine.ts'
import type { EngineOptions } from './runner-queue.ts'
import { blocksShutdown, continuesOnShutdown, isBarrier, type TaskRecord } from './task-record.ts'
import type { ThreadPool } from './thread-pool.ts'

const open = 0
/** Takes posts of its own tasks only (W5). */
const closing = 1
/** Takes and runs `block-shutdown` tasks only: those in the queue, and what such a task posts while it runs (W4). */
const shut = 2
/** Ended by force: takes none, and none is queued (W6). */
const broken = 3
/** Nothing is queued, nothing runs that would be waited for. */
const finished = 4

/** How an engine ends: what is still taken, what is dropped, and when all is over. */
export abstract class ClosableRunner extends RunnerEngine {
  readonly #repeating = new Set<RepeatingTask>()
  readonly #closed: Promise<void>
  #resolveClosed: () => void = () => {}
  #state: typeof open | typeof closing | typeof shut | typeof broken | typeof finished = open

  /** @internal */
  constructor(pool: ThreadPool<never>, options: EngineOptions) {
    super(pool, options)
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  /** True once `shutdown` or `close` was called. */
  get isClosed(): boolean {
    return this.#state !== open
  }

  /** Resolves when the runner is closed and nothing of it runs any more (W5, W8). */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** @internal */
  protected get repeatingCount(): number {
    return this.#repeating.size
  }

  /** @internal Gives up everything, what runs included. */
  terminate(error: Error): void {
    beginChange()
    this.stop(true, { reason: 'pool-closed', error })
    this.giveUpRunning(error)
    this.onSettled()
    endChange()
  }

  /** @internal */
  forget(task: RepeatingTask): void {
    this.#repeating.delete(task)
  }

  /** @internal */
  protected addRepeating(task: RepeatingTask): void {
    if (this.isClosed) {
      task.refuse()
      return
    }
    this.#repeating.add(task)
    task.schedule()
  }

  /**
   * @internal Stops taking posts, and drops all delayed and repeating tasks and those queued ones that would not run any
   * more; with `because`, everything.
   */
  protected stop(isShutdown: boolean, because?: { readonly reason: RejectionReason; readonly error: Error }): TaskRecord[] {
    const next = because !== undefined ? broken : isShutdown ? shut : closing
    if (this.#state >= next) return []
    this.#state = next
    beginChange()
    this.releasePauses()
    for (const task of [...this.#repeating]) task.end('closed')
    const mayRun = (record: TaskRecord): boolean =>
      because === undefined && (isShutdown ? record.has(blocksShutdown) : !record.has(continuesOnShutdown))
    const dropped = [...this.delayed, ...[...this.queue].filter((record) => !mayRun(record))]
    this.bound.close(this.closedError())
    const reason = because?.reason ?? (isShutdown ? 'shutdown' : 'runner-closed')
    for (const record of dropped) this.drop(record, reason, because?.error ?? this.closedError(record))
    this.update()
    this.onSettled()
    endChange()
    return dropped.filter((record) => !record.has(isBarrier))
  }

  /** @internal */
  protected acceptsPost(bits: number, isDelayed: boolean): boolean {
    if (this.#state === open) return true
    if (isDelayed || this.#state > shut) return false
    const task = currentPoster()
    if (task === undefined || task.runner !== this.self || !task.isHolding) return false
    if (this.#state === closing) return (bits & continuesOnShutdown) === 0
    return (bits & blocksShutdown) !== 0 && task.has(blocksShutdown)
  }

  /** @internal */
  protected closedError(record?: TaskRecord): RunnerClosedError {
    const what = record === undefined ? 'runner' : `task "${record.name}" was not run: runner`
    return new RunnerClosedError(`${what} "${this.name}" is closed; post before shutdown() or close(), or check runner.isClosed`)
  }

  /** @internal Perhaps that was the last one. */
  protected onSettled(): void {
    if (this.#state === open || !this.isDrained) return
    if (this.#state !== finished) {
      this.#state = finished
      void this.releaseThread().then(this.#resolveClosed, this.#resolveClosed)
    }
    // Tasks that no close waits for still count (W8).
    if (this.running === 0) this.pool.remove(this.self)
  }

  /** @internal Where the runner has a thread of its own: lets it go. */
  protected releaseThread(): Promise<void> {
    return Promise.resolve()
  }
}
