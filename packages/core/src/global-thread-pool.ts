import { ThreadPoolNotInitializedError } from './errors.ts'
import type { CloseOptions, CloseReport } from './pool-closing.ts'
import { SequencedTaskRunner } from './sequenced-task-runner.ts'
import type { RunnerOptions } from './task-runner.ts'
import { ThreadPool, type ThreadPoolOptions } from './thread-pool.ts'

let pool: ThreadPool | undefined

/** Makes the pool that `createTaskRunner` uses. While there is one, later calls give that one. */
export const initGlobalThreadPool = (options: ThreadPoolOptions): ThreadPool =>
  (pool ??= new ThreadPool({ name: 'global', ...options }))

/** @throws ThreadPoolNotInitializedError before `initGlobalThreadPool` */
export const globalThreadPool = (): ThreadPool => {
  if (pool !== undefined) return pool
  throw new ThreadPoolNotInitializedError(
    [
      'there is no global thread pool yet; add these lines where the program starts:',
      "  import { inlineExecutor } from '@posttask/backend-inline'",
      '  initGlobalThreadPool({ executor: inlineExecutor() })',
    ].join('\n'),
  )
}

/** Closes the global pool, and forgets it: a new one may be made. Undefined where there was none. */
export const shutdownGlobalThreadPool = async (options?: CloseOptions): Promise<CloseReport | undefined> => {
  const closing = pool
  pool = undefined
  return closing?.close(options)
}

/** A sequence on the global pool. @throws ThreadPoolNotInitializedError before `initGlobalThreadPool` */
export const createTaskRunner = (traits?: RunnerOptions): SequencedTaskRunner =>
  new SequencedTaskRunner(globalThreadPool(), traits)
