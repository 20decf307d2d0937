import { ParallelTaskRunner } from '@posttask/core'
import async from 'async'
import PQueue from 'p-queue'
import { type Benchmark, benchmark, type MeasureContext, type Sample } from './benchmark.ts'
import { noop } from './closures.ts'
import { inlinePool, poolVariants } from './peers/inline-pool.ts'
import { timedOften } from './timed.ts'

/** A queue that stands still while it is filled, and then empties. */
interface Paused {
  pause(): void
  post(level: number): void
  drain(): Promise<unknown>
}

/** Levels 0 to 2 in an order that has no pattern, the same for everybody. */
const levels = ((): Uint8Array => {
  const random = new Uint8Array(1 << 16)
  let state = 12345
  for (let i = 0; i < random.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    random[i] = (state >>> 16) % 3
  }
  return random
})()

const fillAndDrain = (make: () => Paused): ((context: MeasureContext) => Promise<Sample>) => {
  let made: Paused | undefined
  return ({ n }) => {
    made ??= make()
    const queue = made
    return timedOften(n, 2e5, () => {
      queue.pause()
      for (let i = 0; i < n; i++) queue.post(levels[i & 0xffff] as number)
      return queue.drain()
    })
  }
}

const options = [{ priority: 'best-effort' }, { priority: 'user-visible' }, { priority: 'user-blocking' }] as const

export default benchmark({
  id: 'B4',
  question: 'Random priorities of three levels: queue all, then drain, one at a time',
  cases: [
    { name: '1e3', n: 1e3 },
    { name: '1e4', n: 1e4 },
    { name: '1e5', n: 1e5 },
    { name: '1e6', n: 1e6 },
  ],
  contenders: [
    ...poolVariants.map(({ name, options: poolOptions }) => ({
      name,
      package: '@posttask/core',
      measure: fillAndDrain(() => {
        const runner = new ParallelTaskRunner(inlinePool(poolOptions), { maxConcurrency: 1 })
        let paused: Disposable | undefined
        return {
          pause: () => {
            paused = runner.pause()
          },
          post: (level) => {
            runner.postTask(noop, options[level])
          },
          drain: () => {
            paused?.[Symbol.dispose]()
            return runner.waitIdle()
          },
        }
      }),
    })),
    {
      name: 'async.priorityQueue',
      package: 'async',
      measure: fillAndDrain(() => {
        const queue = async.priorityQueue<() => void>((closure, done) => {
          closure()
          done()
        }, 1)
        return {
          pause: () => queue.pause(),
          post: (level) => {
            queue.push<void>(noop, 2 - level, noop)
          },
          drain: () => {
            const drained = new Promise<void>((resolve) => queue.drain(resolve))
            queue.resume()
            return drained
          },
        }
      }),
    },
    {
      name: 'p-queue',
      package: 'p-queue',
      // A sorted array: a million would take minutes.
      cases: (name) => name !== '1e6',
      measure: fillAndDrain(() => {
        const queue = new PQueue({ concurrency: 1 })
        return {
          pause: () => queue.pause(),
          post: (priority) => {
            void queue.add(noop as unknown as () => Promise<void>, { priority })
          },
          drain: () => {
            queue.start()
            return queue.onIdle()
          },
        }
      }),
    },
  ],
}) satisfies Benchmark
