import type { BoundTask, Executor } from '@posttask/core'
import { BorrowedPoolExecutor, inheritedExecArgv, LaneExecutor, type LaneOptions } from '@posttask/core/worker'
import { PiscinaHolder, serveIn } from './piscina-holder.ts'
import type { BorrowedPiscina, PiscinaThreadOptions } from './piscina-types.ts'

/** Options of `piscinaExecutor`: those of a thread are piscina's own and handed to it. */
export interface PiscinaExecutorOptions extends LaneOptions, PiscinaThreadOptions {
  /** Given, it makes the reduced mode: {@link PiscinaPoolOptions}. */
  readonly pool?: undefined
}

/** `piscinaExecutor({ pool })`: an existing pool, in a reduced mode. */
export interface PiscinaPoolOptions {
  /** A `Piscina` of yours. */
  readonly pool: BorrowedPiscina
}

/** What piscina has, and an executor must not: the queue is the `ThreadPool`'s, and the thread runs our entry. */
const refused = [
  'filename',
  'name',
  'maxQueue',
  'taskQueue',
  'concurrentTasksPerWorker',
  'atomics',
  'loadBalancer',
  'stricterFIFO',
  'recordTiming',
  'workerHistogram',
  'closeTimeout',
]

const laneOptionNames = ['minThreads', 'maxThreads', 'idleTimeout', 'abortGraceMs', 'batch']

const threadOptions = (options: PiscinaExecutorOptions): PiscinaThreadOptions => {
  const execArgv = inheritedExecArgv()
  const forPiscina: Record<string, unknown> = execArgv === undefined ? {} : { execArgv }
  for (const [key, value] of Object.entries(options)) {
    if (refused.includes(key))
      throw new TypeError(
        `piscinaExecutor: "${key}" is not an option; a ThreadPool queues and an executor keeps one thread per slot`,
      )
    if (!laneOptionNames.includes(key) && value !== undefined) forPiscina[key] = value
  }
  return forPiscina
}

const borrow = (pool: BorrowedPiscina): Executor<BoundTask> => {
  const { maxThreads, concurrentTasksPerWorker, maxQueue } = pool.options
  if (concurrentTasksPerWorker !== 1)
    throw new TypeError('piscinaExecutor({ pool }) needs a pool with concurrentTasksPerWorker: 1')
  if (maxQueue === 0)
    throw new TypeError('piscinaExecutor({ pool }) refuses maxQueue: 0, with which piscina runs tasks it has rejected')
  return new BorrowedPoolExecutor({
    name: 'piscina',
    maxConcurrency: Math.floor(maxThreads),
    serve: (start, transfer) => serveIn(pool, start, transfer),
  })
}

/**
 * Bound tasks on worker threads kept by piscina: one piscina pool of one thread per slot.
 *
 * With `pool` the tasks share a pool of yours, in a reduced mode: a running task is told of its cancelling but never
 * ended by force, there is no batching, and no `SingleThreadTaskRunner`. The pool stays yours to close.
 *
 * ```ts
 * const pool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 4 }) })
 * ```
 *
 * @throws TypeError, RangeError for options that make no sense
 */
export function piscinaExecutor(options: PiscinaPoolOptions): BorrowedPoolExecutor
export function piscinaExecutor(options?: PiscinaExecutorOptions): LaneExecutor
export function piscinaExecutor(options: PiscinaExecutorOptions | PiscinaPoolOptions = {}): Executor<BoundTask> {
  if (options.pool !== undefined) return borrow(options.pool)
  const forPiscina = threadOptions(options)
  return new LaneExecutor({ name: 'piscina', makeHolder: () => new PiscinaHolder(forPiscina) }, options)
}
