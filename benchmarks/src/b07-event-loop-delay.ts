import { SequencedTaskRunner } from '@posttask/core'
import * as fastq from 'fastq'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { type Benchmark, benchmark, type MeasureContext, type Sample } from './benchmark.ts'
import { noop } from './closures.ts'
import { inlinePool, poolVariants } from './peers/inline-pool.ts'
import { percentile } from './statistics.ts'

/** A queue that is full and stands still; `drain` lets it go. */
type Filled = () => Promise<unknown>

/** How long each turn of the event loop takes while the queue drains: that long any timer or socket has to wait. */
const turnsWhile = async (drain: Filled): Promise<readonly number[]> => {
  const turns: number[] = []
  let last = performance.now()
  let isDraining = true
  const turn = (): void => {
    const now = performance.now()
    turns.push(now - last)
    last = now
    if (isDraining) setImmediate(turn)
  }
  setImmediate(turn)
  await drain()
  isDraining = false
  await new Promise((resolve) => setImmediate(resolve))
  return turns
}

const draining =
  (fill: (n: number) => Filled) =>
  async ({ n }: MeasureContext): Promise<Sample> => {
    const turns: number[] = []
    // One drain has a hundred turns or so: too few for a percentile.
    for (let i = 0; i < 3; i++) turns.push(...(await turnsWhile(fill(n))))
    return { delayP99Ms: percentile(turns, 0.99), delayMaxMs: Math.max(...turns) }
  }

export default benchmark({
  id: 'B7',
  question: 'How long the event loop is held up while a full queue of no-op closures drains',
  cases: [{ name: 'drain', n: 1e6 }],
  contenders: [
    ...poolVariants.map(({ name, options }) => ({
      name,
      package: '@posttask/core',
      measure: draining((n) => {
        const runner = new SequencedTaskRunner(inlinePool(options))
        const paused = runner.pause()
        for (let i = 0; i < n; i++) runner.postTask(noop)
        return () => {
          paused[Symbol.dispose]()
          return runner.waitIdle()
        }
      }),
    })),
    {
      name: 'fastq.promise',
      package: 'fastq',
      most: 1e5,
      measure: draining((n) => {
        const queue = fastq.promise<unknown, () => void>(async (closure) => closure(), 1)
        queue.pause()
        for (let i = 0; i < n; i++) void queue.push(noop)
        return () => {
          const drained = queue.drained()
          queue.resume()
          return drained
        }
      }),
    },
    {
      name: 'p-limit',
      package: 'p-limit',
      most: 1e5,
      measure: draining((n) => {
        const limit = pLimit(1)
        return () => Promise.all(Array.from({ length: n }, () => limit(noop)))
      }),
    },
    {
      name: 'p-queue',
      package: 'p-queue',
      most: 1e5,
      measure: draining((n) => {
        const queue = new PQueue({ concurrency: 1, autoStart: false })
        for (let i = 0; i < n; i++) void queue.add(noop as unknown as () => Promise<void>)
        return () => {
          queue.start()
          return queue.onIdle()
        }
      }),
    },
  ],
}) satisfies Benchmark
