import { KeyedBucket } from './keyed-bucket.ts'
import { KeyedSequence } from './keyed-sequence.ts'
import type { ParallelRunnerOptions } from './parallel-task-runner.ts'
import type { Task } from './task.ts'
import { TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/** Options of a keyed runner; `maxConcurrency` is over all keys. Default `Infinity`. */
export type KeyedRunnerOptions = Omit<ParallelRunnerOptions, 'maxConcurrency'> &
  Partial<Pick<ParallelRunnerOptions, 'maxConcurrency'>>

/**
 * A sequence for each key: tasks of one key run in order and one at a time (S1, S2), those of different keys side by
 * side, at most `maxConcurrency`. A sequence is made on first use and forgotten when it is idle, so a million keys
 * cost nothing at rest. What is posted to the runner itself shares the key `undefined`.
 *
 * ```ts
 * const accounts = new KeyedTaskRunner(pool, { maxConcurrency: 8 })
 * await accounts.forKey(order.account).run(() => book(order))
 * ```
 */
export class KeyedTaskRunner<Accepts extends Task = Task> extends TaskRunner<Accepts> {
  /** @throws PoolClosedError on a closed pool */
  constructor(pool: ThreadPool<Accepts>, options: KeyedRunnerOptions = {}) {
    super(pool, 'keyed', options.maxConcurrency ?? Number.POSITIVE_INFINITY, options, () => new KeyedBucket())
  }

  /** The sequence of a key. Any value is a key; the same one, as a `Map` compares, is the same sequence. */
  forKey(key: unknown): KeyedSequence<Accepts> {
    return new KeyedSequence(this, key)
  }
}
