import type { TaskHandle, TaskState } from './task.ts'

/** What `spawn` returns: the task as its poster sees it, and its outcome. */
export interface RunHandle<T> extends TaskHandle {
  /** The promise that `run` would return (F1). */
  readonly result: Promise<T>
}

const ignore = (): void => {}

/** A task that was posted, or a stand-in for one that was not, with the promise for its outcome. */
export class SpawnedTask<T> implements RunHandle<T> {
  readonly result: Promise<T>
  readonly #task: TaskHandle

  constructor(task: TaskHandle, result: Promise<T>) {
    this.#task = task
    this.result = result
  }

  get id(): number {
    return this.#task.id
  }

  get name(): string {
    return this.#task.name
  }

  get state(): TaskState {
    return this.#task.state
  }

  cancel(reason?: unknown): boolean {
    const isCancelled = this.#task.cancel(reason)
    // Who cancels it knows it, and need not await the rejection as well.
    if (isCancelled) this.result.catch(ignore)
    return isCancelled
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

/** The handle of a task that was never posted. */
export const refusedTask = (id: number, name: string): TaskHandle => ({
  id,
  name,
  state: 'rejected',
  cancel: () => false,
  [Symbol.dispose]: ignore,
})
