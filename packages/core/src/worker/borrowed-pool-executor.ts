import type { Clock } from '../clock.ts'
import { PoolClosedError, WorkerCrashedError } from '../errors.ts'
import type { Executor, ExecutorCapabilities, TaskExecution, ThreadExecutor } from '../executor.ts'
import { systemClock } from '../system-clock.ts'
import type { BoundTask } from '../task.ts'
import { Job } from './job.ts'
import type { ThreadStart } from './protocol.ts'
import { RunTimes } from './run-times.ts'
import { Wire } from './wire.ts'

/** A pool that belongs to somebody else. */
export interface BorrowedPool {
  readonly name: string
  /** How many tasks it runs at a time, one per thread. */
  readonly maxConcurrency: number
  /** Calls `serveTasks` in one of its threads. */
  serve(start: ThreadStart, transfer: readonly object[]): Promise<unknown>
}

/**
 * Bound tasks on a library pool that the user made, shared with whatever else runs there. A reduced mode: no thread can
 * be ended by force, so a task that ignores its signal holds its slot (no C3); there are no threads of one's own, hence
 * no `SingleThreadTaskRunner`; no batches; each task pays for a channel; the end of what a task printed may come out after
 * its outcome; and an uncaught error that another's code left behind on a thread is taken for the task that runs there.
 * Closing it leaves the pool as it is.
 */
export class BorrowedPoolExecutor implements Executor<BoundTask> {
  readonly name: string
  readonly accepts: readonly ['bound'] = ['bound']
  readonly clock: Clock = systemClock
  readonly maxConcurrency: number
  readonly capabilities: ExecutorCapabilities = {
    boundary: 'thread',
    transfer: true,
    terminate: false,
    sharedMemory: true,
    maxBatch: 1,
  }
  onStrayError: ((error: unknown) => void) | undefined = undefined
  readonly #pool: BorrowedPool
  readonly #runTimes = new RunTimes()
  readonly #running = new Map<TaskExecution, Wire>()
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(pool: BorrowedPool) {
    this.#pool = pool
    this.name = pool.name
    this.maxConcurrency = pool.maxConcurrency
  }

  execute(task: BoundTask, execution: TaskExecution): Promise<unknown> {
    if (this.#closing !== undefined)
      throw new PoolClosedError(`task "${execution.name}": executor "${this.name}" is closed; make a new one`)
    return new Promise((resolve, reject) => {
      const job = new Job([task], [execution], ([outcome]) => {
        this.#running.delete(execution)
        if (this.#running.size === 0) this.#onIdle?.()
        if (outcome?.status === 'fulfilled') resolve(outcome.value)
        else reject(outcome?.status === 'rejected' ? outcome.reason : undefined)
      })
      void this.#serve(job, execution)
    })
  }

  abort(execution: TaskExecution): void {
    this.#running.get(execution)?.abort(0)
  }

  /** @throws TypeError always: the threads are not this executor's to give away */
  openThread(): ThreadExecutor<BoundTask> {
    throw new TypeError(
      `executor "${this.name}" runs on a pool it was given and has no thread of its own; leave the \`pool\` option out`,
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#running.size === 0 ? Promise.resolve() : new Promise((resolve) => (this.#onIdle = resolve))
    return this.#closing
  }

  /** Tells what runs that it is cancelled, and waits for it. */
  async terminate(): Promise<void> {
    for (const wire of this.#running.values()) wire.abort(0)
    await this.close()
  }

  async #serve(job: Job, execution: TaskExecution): Promise<void> {
    const wire = new Wire(this.#runTimes, (error) => this.onStrayError?.(error), undefined)
    this.#running.set(execution, wire)
    wire.send(job, { onJobEnded: () => {} })
    let error: unknown
    if (!job.hasEnded) {
      try {
        await this.#pool.serve(wire.start, [wire.start.port])
      } catch (cause) {
        error = cause
      }
    }
    wire.close(() => new WorkerCrashedError('the thread of a shared pool ended under the task', undefined, { cause: error }))
    if (!job.hasEnded || job.outcomes[0]?.status === 'lost') {
      job.rejectRest(new WorkerCrashedError('the shared pool did not start the task', undefined, { cause: error }))
    }
    job.finish()
  }
}
