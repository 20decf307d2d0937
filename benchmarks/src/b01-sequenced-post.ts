import { SequencedTaskRunner } from '@posttask/core'
import async from 'async'
import fastq from 'fastq'
import PQueue from 'p-queue'
import { type Benchmark, benchmark, type MeasureContext, type Sample } from './benchmark.ts'
import { noop } from './closures.ts'
import { BareRing } from './peers/bare-ring.ts'
import { inlinePool, type PoolOptions, poolVariants } from './peers/inline-pool.ts'
import { timedOften } from './timed.ts'

type Post = (closure: () => void) => void

/** How many tasks a measurement takes at least. */
const total = 5e5

/** Posts `n` closures, the last of which ends the measurement. A queue is made once: as in a program, it is warm. */
const postAll = (make: () => Post): ((context: MeasureContext) => Promise<Sample>) => {
  let post: Post | undefined
  return ({ n }) => {
    post ??= make()
    const put = post
    return timedOften(
      n,
      total,
      () =>
        new Promise<void>((resolve) => {
          for (let i = 1; i < n; i++) put(noop)
          put(resolve)
        }),
    )
  }
}

const ours = (options: PoolOptions) => (): Post => {
  const runner = new SequencedTaskRunner(inlinePool(options))
  return (closure) => {
    runner.postTask(closure)
  }
}

type Done = (error: Error | null) => void
const callbackWorker = (closure: () => void, done: Done): void => {
  closure()
  done(null)
}

export default benchmark({
  id: 'B1',
  question: 'Post no-op closures to one sequence, fire and forget, and wait for the last',
  cases: [
    { name: '1e6', n: 1e6 },
    { name: '1e5', n: 1e5 },
    { name: '1e4', n: 1e4 },
    { name: '1e3', n: 1e3 },
  ],
  contenders: [
    ...poolVariants.map(({ name, options }) => ({ name, package: '@posttask/core', measure: postAll(ours(options)) })),
    {
      name: 'bare ring',
      measure: postAll(() => {
        const ring = new BareRing(1)
        return (closure) => ring.post(closure)
      }),
    },
    {
      // Runs the closure inside `push` as long as nothing waits: nothing is ever queued here.
      name: 'fastq callback',
      package: 'fastq',
      measure: postAll(() => {
        const queue = fastq<unknown, () => void>(callbackWorker, 1)
        return (closure) => queue.push(closure)
      }),
    },
    {
      // All wait before the first runs, as in ours. A worker that is done at once recurses per task, and the stack ends
      // after some thousands: every 500th answers in a microtask.
      name: 'fastq callback, all queued',
      package: 'fastq',
      measure: postAll(() => {
        let depth = 0
        const queue = fastq<unknown, () => void>((closure, done) => {
          closure()
          if (depth++ < 500) return done(null)
          depth = 0
          return queueMicrotask(() => done(null))
        }, 1)
        let isHeld = false
        return (closure) => {
          if (!isHeld) {
            isHeld = true
            queue.pause()
            queueMicrotask(() => {
              isHeld = false
              queue.resume()
            })
          }
          queue.push(closure)
        }
      }),
    },
    {
      name: 'async.queue',
      package: 'async',
      measure: postAll(() => {
        const queue = async.queue<() => void>(callbackWorker, 1)
        return (closure) => {
          queue.push<void>(closure, noop)
        }
      }),
    },
    {
      name: 'p-queue',
      package: 'p-queue',
      most: 1e5,
      measure: postAll(() => {
        const queue = new PQueue({ concurrency: 1 })
        return (closure) => {
          void queue.add(closure as () => Promise<void>)
        }
      }),
    },
  ],
}) satisfies Benchmark
