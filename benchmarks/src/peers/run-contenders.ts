import { newQueue } from '@henrygd/queue'
import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import async, { type AsyncWorker } from 'async'
import { Semaphore as MutexSemaphore } from 'async-mutex'
import { Effect, Semaphore } from 'effect'
import * as fastq from 'fastq'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { BareRing } from './bare-ring.ts'
import { inlinePool, type PoolOptions, poolVariants } from './inline-pool.ts'

type Closure = () => number | Promise<number>

/** `async` recognises an async function, and takes its outcome without a callback; its types do not know. */
const asyncWorker = (async (closure: Closure) => closure()) as unknown as AsyncWorker<Closure>

/** A function that queues a closure and promises its outcome. */
type Run = (closure: Closure) => Promise<number>

/** One queue for each case, made once: as in a program, it is warm. */
const madeOnce = (make: Runner['make']): Runner['make'] => {
  const made = new Map<string, Run>()
  return (concurrency, isAsync) => {
    const key = `${concurrency} ${isAsync}`
    const run = made.get(key) ?? make(concurrency, isAsync)
    made.set(key, run)
    return run
  }
}

/** Who gives promises, and how one is made. `most` is the most tasks at once that it stands. */
export interface Runner {
  readonly name: string
  readonly package?: string
  readonly most?: number
  /** `isAsync`: whether the closures return promises; some peers are used differently then. */
  readonly make: (concurrency: number, isAsync: boolean) => Run
}

const ours =
  (options: PoolOptions) =>
  (concurrency: number): Run => {
    const pool = inlinePool(options)
    const runner =
      concurrency === 1 ? new SequencedTaskRunner(pool) : new ParallelTaskRunner(pool, { maxConcurrency: concurrency })
    return (closure) => runner.run(closure)
  }

/** Each at the best setting that its documentation names. */
const runners: readonly Runner[] = [
  ...poolVariants.map(({ name, options }) => ({ name, package: '@posttask/core', make: ours(options) })),
  {
    name: 'bare ring',
    make: (concurrency) => {
      const ring = new BareRing(concurrency)
      return (closure) => ring.run(closure)
    },
  },
  {
    name: 'fastq.promise',
    package: 'fastq',
    make: (concurrency) => {
      const queue = fastq.promise<unknown, Closure, number>(async (closure) => closure(), concurrency)
      return (closure) => queue.push(closure)
    },
  },
  {
    name: '@henrygd/queue',
    package: '@henrygd/queue',
    make: (concurrency, isAsync) => {
      const queue = newQueue(concurrency)
      // It calls `then` on what the function returns: a synchronous one has to be wrapped by its user.
      return isAsync ? (closure) => queue.add(closure as () => Promise<number>) : (closure) => queue.add(async () => closure())
    },
  },
  {
    name: 'p-limit',
    package: 'p-limit',
    make: (concurrency) => {
      const limit = pLimit(concurrency)
      return (closure) => limit(closure)
    },
  },
  {
    name: 'p-queue',
    package: 'p-queue',
    make: (concurrency) => {
      const queue = new PQueue({ concurrency })
      return (closure) => queue.add(closure as () => Promise<number>)
    },
  },
  {
    name: 'async.queue pushAsync',
    package: 'async',
    make: (concurrency) => {
      const queue = async.queue<Closure, number>(asyncWorker, concurrency)
      return (closure) => queue.pushAsync<number>(closure) as Promise<number>
    },
  },
  {
    name: 'async-mutex',
    package: 'async-mutex',
    most: 2e4,
    make: (concurrency) => {
      const semaphore = new MutexSemaphore(concurrency)
      return (closure) => semaphore.runExclusive(closure)
    },
  },
  {
    name: 'Effect semaphore',
    package: 'effect',
    most: 4e3,
    make: (concurrency, isAsync) => {
      const semaphore = Semaphore.makeUnsafe(concurrency)
      const one = semaphore.withPermits(1)
      return isAsync
        ? (closure) => Effect.runPromise(one(Effect.promise(closure as () => Promise<number>)))
        : (closure) => Effect.runPromise(one(Effect.sync(closure as () => number)))
    },
  },
]

/** Everybody who gives a promise per task. */
export const runContenders: readonly Runner[] = runners.map((runner) => ({ ...runner, make: madeOnce(runner.make) }))
