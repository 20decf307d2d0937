import type { Task } from './task.ts'
import { type RunnerOptions, TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/**
 * Runs tasks in posting order (S1), one at a time, awaits included (S2): state that only its tasks touch needs no
 * lock. Consecutive tasks may run on different threads. Chromium's `base::SequencedTaskRunner`.
 *
 * ```ts
 * const account = new SequencedTaskRunner(pool, { name: 'account' })
 * await account.run(async () => { balance = await store.add(10) })
 * ```
 */
export class SequencedTaskRunner<Accepts extends Task = Task> extends TaskRunner<Accepts> {
  /** @throws PoolClosedError on a closed pool */
  constructor(pool: ThreadPool<Accepts>, options: RunnerOptions = {}) {
    super(pool, 'sequenced', 1, options)
  }
}
