import { inlineExecutor } from '@posttask/backend-inline'
import {
  type BoundTask,
  type Executor,
  ParallelTaskRunner,
  type RunnerStats,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  ThreadPool,
} from '@posttask/core'
import { type BackendName, openBackend } from './backend.ts'

/** The virtual threads of the program, and what each is for. */
export interface Runners {
  readonly pools: readonly ThreadPool<never>[]
  /** Of the pool that has threads. */
  readonly executor: Executor<BoundTask>
  /** Lists and reads files, a few at a time: waiting for the disk, on the main thread. */
  readonly disk: ParallelTaskRunner
  /** Counts ahead what there is to do, when nothing better is. */
  readonly survey: ParallelTaskRunner
  /** Everything that is shown, and the figures behind it. */
  readonly ui: SequencedTaskRunner
  /** Tokenises and hashes: work for the processor, on threads. */
  readonly tokens: ParallelTaskRunner<BoundTask>
  /** The blocking database driver, on one thread of its own. */
  readonly database: SingleThreadTaskRunner<BoundTask>
  /** Of every runner, in the order of a file's way through them. */
  stats(): RunnerStats[]
  /** Waits for what is queued, then ends the threads. */
  close(): Promise<void>
  /** Ends the threads now. */
  terminate(): Promise<void>
}

/** How many batches wait for the database before the pipeline in front of it is held up. */
const databaseQueueLimit = 4

/** Starts the two pools: one for closures on this event loop, one for bound tasks on the backend's threads. With `traceOrigin` they know who posted what. */
export async function openRunners(backend: BackendName, jobs: number, traceOrigin = false): Promise<Runners> {
  return runnersOn(await openBackend(backend, jobs), jobs, traceOrigin)
}

/** The same with an executor of one's own, of `jobs` slots. */
export function runnersOn(executor: Executor<BoundTask>, jobs: number, traceOrigin = false): Runners {
  const main = new ThreadPool({ executor: inlineExecutor(), name: 'main', timing: true, traceOrigin })
  const threads = new ThreadPool({ executor, name: executor.name, timing: true, traceOrigin })
  const disk = new ParallelTaskRunner(main, { name: 'disk', maxConcurrency: 8 })
  const survey = new ParallelTaskRunner(main, { name: 'survey', maxConcurrency: 2, priority: 'best-effort' })
  const ui = new SequencedTaskRunner(main, { name: 'ui', priority: 'user-blocking' })
  const tokens = new ParallelTaskRunner(threads, { name: 'tokens', maxConcurrency: jobs })
  const database = new SingleThreadTaskRunner(threads, { name: 'database', queueLimit: databaseQueueLimit })
  return {
    pools: [main, threads],
    executor,
    disk,
    survey,
    ui,
    tokens,
    database,
    stats: () => [survey, disk, tokens, database, ui].map((runner) => runner.stats()),
    close: async () => {
      await threads.close()
      await main.close()
    },
    terminate: async () => {
      await Promise.all([threads.terminate(), main.terminate()])
    },
  }
}
