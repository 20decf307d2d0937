import { currentTaskRunner } from './current-task.ts'
import type { TaskRunner } from './task-runner.ts'

/** A value for each runner. */
export interface SequenceLocal<T> {
  /**
   * The value of `runner`, by default of the current one. Made on first use, and forgotten with the runner.
   * @throws Error outside of a task where no runner is given
   */
  get(runner?: TaskRunner): T
  set(value: T, runner?: TaskRunner): void
}

/** Storage for each runner, made by `init` on first use. Chromium's `base::SequenceLocalStorageSlot`. */
export const sequenceLocal = <T>(init: (runner: TaskRunner) => T): SequenceLocal<T> => {
  const values = new WeakMap<TaskRunner, T>()
  const owner = (runner: TaskRunner | undefined): TaskRunner => {
    const found = runner ?? currentTaskRunner()
    if (found === undefined)
      throw new Error('sequenceLocal: there is no current runner here; use it in a task, or pass the runner')
    return found
  }
  return {
    get(given) {
      const runner = owner(given)
      if (!values.has(runner)) values.set(runner, init(runner))
      return values.get(runner) as T
    },
    set(value, given) {
      values.set(owner(given), value)
    },
  }
}
