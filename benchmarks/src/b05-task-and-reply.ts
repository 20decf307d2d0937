import { SequencedTaskRunner } from '@posttask/core'
import { type Benchmark, benchmark } from './benchmark.ts'
import { syncClosure } from './closures.ts'
import { inlinePool, type PoolOptions, poolVariants } from './peers/inline-pool.ts'
import { timed } from './timed.ts'

/** One round trip after the other: the reply asks the next question. */
const roundTrips = (options: PoolOptions, n: number): Promise<void> => {
  const pool = inlinePool(options)
  const asked = new SequencedTaskRunner(pool)
  const replyOptions = { replyTo: new SequencedTaskRunner(pool) }
  return new Promise((resolve) => {
    let left = n
    const reply = (): void => {
      if (left-- === 0) resolve()
      else asked.postTaskAndReply(syncClosure, reply, replyOptions)
    }
    reply()
  })
}

const inTurn = async (options: PoolOptions, n: number): Promise<void> => {
  const runner = new SequencedTaskRunner(inlinePool(options))
  for (let i = 0; i < n; i++) await runner.run(syncClosure)
}

export default benchmark({
  id: 'B5',
  question: 'Task and reply: round trips between two sequences, one after the other',
  cases: [{ name: '1e5', n: 1e5 }],
  warmUps: 4,
  contenders: poolVariants.flatMap(({ name, options }) => [
    { name, package: '@posttask/core', measure: ({ n }) => timed(n, () => roundTrips(options, n)) },
    { name: `${name}, await run()`, package: '@posttask/core', measure: ({ n }) => timed(n, () => inTurn(options, n)) },
  ]),
}) satisfies Benchmark
