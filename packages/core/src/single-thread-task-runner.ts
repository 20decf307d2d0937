import { beginChange, endChange } from './callbacks.ts'
import { RunnerClosedError } from './errors.ts'
import type { ThreadExecutor } from './executor.ts'
import { checkTask } from './post-checks.ts'
import type { Task } from './task.ts'
import { failed, type RecordState, type TaskRecord, type TaskSink } from './task-record.ts'
import { type RunnerOptions, TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/** Options of a single-thread runner. */
export interface SingleThreadRunnerOptions<Accepts extends Task = Task> extends RunnerOptions {
  /** Runs first on the thread, ahead of everything posted; and first on each new thread. */
  init?: Accepts | undefined
  /**
   * What happens when the thread is lost with the state on it (S4): `close` (default) rejects what is queued,
   * `restart` runs `init` on a new thread and goes on.
   */
  onThreadLost?: 'close' | 'restart' | undefined
}

/**
 * As a sequenced runner, and always on the same thread (S4): for blocking drivers, and for state that a module keeps.
 * The thread is the runner's own, and starts with its first task. Chromium's `base::SingleThreadTaskRunner`, dedicated.
 */
export class SingleThreadTaskRunner<Accepts extends Task = Task> extends TaskRunner<Accepts> {
  readonly #thread: ThreadExecutor<Accepts>
  readonly #init: Accepts | undefined
  readonly #restarts: boolean

  /**
   * @throws PoolClosedError on a closed pool
   * @throws TypeError for an `init` that the pool's executor cannot run
   */
  constructor(pool: ThreadPool<Accepts>, options: SingleThreadRunnerOptions<Accepts> = {}) {
    const { init, onThreadLost } = options
    if (onThreadLost !== undefined && onThreadLost !== 'close' && onThreadLost !== 'restart') {
      throw new TypeError(`onThreadLost must be close or restart, not ${String(onThreadLost)}`)
    }
    super(pool, 'single-thread', 1, options)
    if (init !== undefined) this.#checkInit(init)
    this.#init = init
    this.#restarts = onThreadLost === 'restart'
    this.#thread = pool.executor.openThread({
      name: this.name,
      onLost: (error) => this.#onLost(error),
      takeBack: (execution) => this.#takeBack(execution as TaskRecord),
    })
    this.executor = this.#thread
    beginChange()
    pool.add(this.self)
    if (init !== undefined) this.#postInit(init)
    endChange()
  }

  /** @internal */
  protected override async releaseThread(): Promise<void> {
    await this.#thread.close()
  }

  #checkInit(init: Task): void {
    try {
      checkTask(this.self, init)
    } catch (error) {
      throw new TypeError(`init: ${(error as Error).message}`)
    }
  }

  #postInit(init: Accepts): void {
    const sink: TaskSink = { onSettled: (record, state, error) => this.#onInit(record, state, error) }
    this.postAhead(init, { name: `init of ${this.name}` }, sink)
  }

  /** Without its state the runner is of no use: what is queued must not run. */
  #onInit(_record: TaskRecord, state: RecordState, error: unknown): boolean {
    if (state === failed)
      this.#giveUp(new RunnerClosedError(`runner "${this.name}" is closed: its init task failed`, { cause: error }))
    return false
  }

  /** `init` comes ahead of it. Itself it is not taken back, for each thread has its own. */
  #takeBack(record: TaskRecord): boolean {
    if (!this.#restarts || record.order < 0) return false
    this.lost(record)
    return true
  }

  #onLost(error: Error): void {
    if (!this.#restarts) this.#giveUp(error)
    else if (this.#init !== undefined) this.#postInit(this.#init)
  }

  #giveUp(error: Error): void {
    this.stop(true, { reason: 'runner-closed', error })
  }
}
