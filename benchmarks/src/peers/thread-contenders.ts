import { fileURLToPath } from 'node:url'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { type BoundTask, type Executor, ParallelTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { FixedQueue, Piscina } from 'piscina'
import { FixedThreadPool } from 'poolifier'
import { Tinypool } from 'tinypool'
import workerpool from 'workerpool'
import { RawPositions } from './raw-positions.ts'
import { RawThreads } from './raw-threads.ts'

/** Sends one argument to a thread and promises the answer. */
export type Send = (argument: unknown) => Promise<unknown>

export interface ThreadContender {
  readonly name: string
  readonly package?: string
  readonly make: (threads: number) => Send
}

const fixture = (name: string): URL => new URL(`./fixtures/${name}.js`, import.meta.url)
const pathOf = (name: string): string => fileURLToPath(fixture(name))
const { take } = taskModule<typeof import('../fixtures/take.ts')>(fixture('take'))

type MakeExecutor = (options: { minThreads: number; maxThreads: number }) => Executor<BoundTask>

const ours =
  (makeExecutor: MakeExecutor) =>
  (threads: number): Send => {
    const pool = new ThreadPool({ executor: makeExecutor({ minThreads: threads, maxThreads: threads }) })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1000 })
    return (argument) => runner.run(take(argument))
  }

/** Every pool of threads with the same no-op task; sizes are fixed, so that nobody starts a thread while measured. */
export const threadContenders: readonly ThreadContender[] = [
  { name: 'posttask on piscina', package: '@posttask/backend-piscina', make: ours(piscinaExecutor) },
  { name: 'posttask on tinypool', package: '@posttask/backend-tinypool', make: ours(tinypoolExecutor) },
  {
    name: 'piscina.run',
    package: 'piscina',
    make: (threads) => {
      const pool = new Piscina({ filename: pathOf('take'), minThreads: threads, maxThreads: threads })
      return (argument) => pool.run(argument)
    },
  },
  {
    // What its documentation offers for many small tasks, at the price of order and of aborting one alone.
    name: 'piscina.run, 100 tasks per worker',
    package: 'piscina',
    make: (threads) => {
      const pool = new Piscina({
        filename: pathOf('take'),
        minThreads: threads,
        maxThreads: threads,
        concurrentTasksPerWorker: 100,
        taskQueue: new FixedQueue(),
      })
      return (argument) => pool.run(argument)
    },
  },
  {
    name: 'tinypool.run',
    package: 'tinypool',
    make: (threads) => {
      const pool = new Tinypool({ filename: pathOf('take'), minThreads: threads, maxThreads: threads })
      return (argument) => pool.run(argument)
    },
  },
  {
    name: 'workerpool',
    package: 'workerpool',
    make: (threads) => {
      const pool = workerpool.pool(pathOf('take-workerpool'), { workerType: 'thread', minWorkers: threads, maxWorkers: threads })
      return async (argument) => pool.exec('take', [argument])
    },
  },
  {
    name: 'poolifier',
    package: 'poolifier',
    make: (threads) => {
      const pool = new FixedThreadPool(threads, pathOf('take-poolifier'))
      return (argument) => pool.execute(argument)
    },
  },
  {
    name: 'raw postMessage',
    make: (threads) => {
      const raw = new RawThreads(fixture('take-raw'), threads, 1)
      return (argument) => raw.run(argument)
    },
  },
  {
    // The same messages, number and argument each, in batches.
    name: 'raw batch of 100',
    make: (threads) => {
      const raw = new RawThreads(fixture('take-raw'), threads, 100)
      return (argument) => raw.run(argument)
    },
  },
  {
    // Not a protocol that a library could have, and not the one that the bar means: the floor.
    name: 'raw arguments of 100, by place',
    make: (threads) => {
      const raw = new RawPositions(fixture('take-positions'), threads)
      return (argument) => raw.run(argument)
    },
  },
]
