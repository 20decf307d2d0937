import { type Benchmark, benchmark, type Contender } from './benchmark.ts'
import { noop } from './closures.ts'
import { watchedByHand } from './peers/watched-by-hand.ts'
import { watchedPools } from './peers/watched-pools.ts'
import type { WatchedQueue } from './peers/watched-queue.ts'
import { timedOften } from './timed.ts'

/** How many tasks a measurement takes at least. */
const total = 5e5

/** Posts `n` closures, the last of which ends the measurement. What was collected goes when they are done. */
const postAll = (make: () => WatchedQueue): Contender['measure'] => {
  let queue: WatchedQueue | undefined
  return ({ n }) => {
    queue ??= make()
    const { post, empty } = queue
    return timedOften(n, total, async () => {
      await new Promise<void>((resolve) => {
        for (let i = 1; i < n; i++) post(noop)
        post(resolve)
      })
      // The outcome of the last is told after it has resolved; an SDK lets go of its spans in a turn of the event loop.
      await new Promise((resolve) => void setImmediate(resolve))
      empty()
    })
  }
}

export default benchmark({
  id: 'B14',
  question: 'What watching costs: B1, with more and more that looks on',
  cases: [
    { name: '1e3', n: 1e3 },
    { name: '1e5', n: 1e5 },
  ],
  rounds: 5,
  warmUps: 1,
  contenders: [
    ...watchedPools.map(({ name, make }) => ({ name, package: '@posttask/core', measure: postAll(make) })),
    ...watchedByHand.map(({ make, ...rest }) => ({ ...rest, measure: postAll(make) })),
  ],
}) satisfies Benchmark
