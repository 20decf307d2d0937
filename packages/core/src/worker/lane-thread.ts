import { PoolClosedError } from '../errors.ts'
import type { TaskExecution, ThreadExecutor } from '../executor.ts'
import type { BoundTask } from '../task.ts'
import { Job } from './job.ts'
import type { Lane } from './lane.ts'

/** Runs one job on a lane. `onFree` is called before the outcome is told; of a task that was taken back there is none. */
export const executeOn = (lane: Lane, task: BoundTask, execution: TaskExecution, onFree: () => void): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const job = new Job([task], [execution], ([outcome]) => {
      onFree()
      if (outcome?.status === 'fulfilled') resolve(outcome.value)
      else if (outcome?.status === 'rejected') reject(outcome.reason)
    })
    lane.run(job)
  })

/** A lane of one runner's own: a thread whose module state only that runner's tasks see (S4). */
export class LaneThread implements ThreadExecutor<BoundTask> {
  readonly #lane: Lane
  readonly #onEnd: (thread: LaneThread) => void
  #running: Promise<void> = Promise.resolve()
  #ended: Promise<void> | undefined

  constructor(lane: Lane, onEnd: (thread: LaneThread) => void) {
    this.#lane = lane
    this.#onEnd = onEnd
  }

  execute(task: BoundTask, execution: TaskExecution): Promise<unknown> {
    if (this.#ended !== undefined) throw new PoolClosedError(`task "${execution.name}" was given to a thread that is closed`)
    let onFree: () => void = () => {}
    this.#running = new Promise((resolve) => (onFree = resolve))
    return executeOn(this.#lane, task, execution, onFree)
  }

  abort(execution: TaskExecution): void {
    this.#lane.abort(execution)
  }

  close(): Promise<void> {
    this.#ended ??= this.#running.then(() => this.#end(() => this.#lane.release()))
    return this.#ended
  }

  terminate(): Promise<void> {
    this.#ended = this.#end(() => this.#lane.terminate())
    return this.#ended
  }

  async #end(end: () => Promise<void>): Promise<void> {
    await end()
    this.#onEnd(this)
  }
}
