import type { Task } from './task.ts'
import { type RunnerOptions, TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/** Options of a parallel runner. */
export interface ParallelRunnerOptions extends RunnerOptions {
  /** The most tasks that run at a time: a whole number, at least 1, or `Infinity`. */
  maxConcurrency: number
}

/**
 * Runs at most `maxConcurrency` tasks at a time; they start by priority, then in posting order (P1), and end in any
 * order.
 */
export class ParallelTaskRunner<Accepts extends Task = Task> extends TaskRunner<Accepts> {
  /**
   * @throws RangeError for a `maxConcurrency` that is none
   * @throws PoolClosedError on a closed pool
   */
  constructor(pool: ThreadPool<Accepts>, options: ParallelRunnerOptions) {
    super(pool, 'parallel', options?.maxConcurrency, options)
  }
}
