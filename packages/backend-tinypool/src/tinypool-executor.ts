import type { BoundTask, Executor } from '@posttask/core'
import { BorrowedPoolExecutor, inheritedExecArgv, LaneExecutor, type LaneOptions } from '@posttask/core/worker'
import { TinypoolHolder, workerFile } from './tinypool-holder.ts'
import type { BorrowedTinypool, TinypoolThreadOptions } from './tinypool-types.ts'

/** Options of `tinypoolExecutor`: those of a thread are tinypool's own and handed to it. */
export interface TinypoolExecutorOptions extends LaneOptions, TinypoolThreadOptions {
  /** Given, it makes the reduced mode: {@link TinypoolPoolOptions}. */
  readonly pool?: undefined
}

/** `tinypoolExecutor({ pool })`: an existing pool, in a reduced mode. */
export interface TinypoolPoolOptions {
  /** A `Tinypool` of yours. */
  readonly pool: BorrowedTinypool
}

/** What tinypool has, and an executor must not: the queue is the `ThreadPool`'s, and the thread runs our entry. */
const refused = [
  'filename',
  'name',
  'runtime',
  'maxQueue',
  'taskQueue',
  'concurrentTasksPerWorker',
  'useAtomics',
  'isolateWorkers',
  'maxMemoryLimitBeforeRecycle',
  'teardown',
  'serialization',
  'terminateTimeout',
]

const laneOptionNames = ['minThreads', 'maxThreads', 'idleTimeout', 'abortGraceMs', 'batch']

const threadOptions = (options: TinypoolExecutorOptions): TinypoolThreadOptions => {
  const execArgv = inheritedExecArgv()
  const forTinypool: Record<string, unknown> = execArgv === undefined ? {} : { execArgv }
  for (const [key, value] of Object.entries(options)) {
    if (refused.includes(key))
      throw new TypeError(
        `tinypoolExecutor: "${key}" is not an option; a ThreadPool queues and an executor keeps one thread per slot`,
      )
    if (!laneOptionNames.includes(key) && value !== undefined) forTinypool[key] = value
  }
  return forTinypool
}

const borrow = (pool: BorrowedTinypool): Executor<BoundTask> => {
  const { maxThreads, concurrentTasksPerWorker, runtime } = pool.options
  if (concurrentTasksPerWorker !== 1)
    throw new TypeError('tinypoolExecutor({ pool }) needs a pool with concurrentTasksPerWorker: 1')
  if (runtime !== 'worker_threads') throw new TypeError("tinypoolExecutor({ pool }) needs a pool with runtime: 'worker_threads'")
  return new BorrowedPoolExecutor({
    name: 'tinypool',
    maxConcurrency: Math.floor(maxThreads),
    serve: async (start, transfer) =>
      pool.run(start, { filename: workerFile, name: 'default', transferList: [...transfer] as never[] }),
  })
}

/**
 * Bound tasks on worker threads kept by tinypool: one tinypool of one thread per slot.
 *
 * With `pool` the tasks share a pool of yours, in a reduced mode: a running task is told of its cancelling but never
 * ended by force, there is no batching, and no `SingleThreadTaskRunner`. The pool stays yours to close. A task that calls
 * `process.exit` in such a pool never settles, for tinypool does not notice.
 *
 * ```ts
 * const pool = new ThreadPool({ executor: tinypoolExecutor({ maxThreads: 4 }) })
 * ```
 *
 * @throws TypeError, RangeError for options that make no sense
 */
export function tinypoolExecutor(options: TinypoolPoolOptions): BorrowedPoolExecutor
export function tinypoolExecutor(options?: TinypoolExecutorOptions): LaneExecutor
export function tinypoolExecutor(options: TinypoolExecutorOptions | TinypoolPoolOptions = {}): Executor<BoundTask> {
  if (options.pool !== undefined) return borrow(options.pool)
  const forTinypool = threadOptions(options)
  return new LaneExecutor({ name: 'tinypool', makeHolder: () => new TinypoolHolder(forTinypool) }, options)
}
