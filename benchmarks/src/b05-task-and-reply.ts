import { SequencedTaskRunner } from '@posttask/core'
import { type Benchmark, benchmark, type Contender } from './benchmark.ts'
import { syncClosure } from './closures.ts'
import { inlinePool, type PoolOptions, poolVariants } from './peers/inline-pool.ts'
import { timed } from './timed.ts'

type Measure = Contender['measure']

/** One round trip after the other: the reply asks the next question. The pool is made once: as in a program, it is warm. */
const roundTrips = (options: PoolOptions): Measure => {
  const pool = inlinePool(options)
  const asked = new SequencedTaskRunner(pool)
  const replyOptions = { replyTo: new SequencedTaskRunner(pool) }
  const goThere = (n: number): Promise<void> =>
    new Promise((resolve) => {
      let left = n
      const reply = (): void => {
        if (left-- === 0) resolve()
        else asked.postTaskAndReply(syncClosure, reply, replyOptions)
      }
      reply()
    })
  return ({ n }) => timed(n, () => goThere(n))
}

const inTurn = (options: PoolOptions): Measure => {
  const runner = new SequencedTaskRunner(inlinePool(options))
  return ({ n }) =>
    timed(n, async () => {
      for (let i = 0; i < n; i++) await runner.run(syncClosure)
    })
}

export default benchmark({
  id: 'B5',
  question: 'Task and reply: round trips between two sequences, one after the other',
  cases: [{ name: '1e5', n: 1e5 }],
  warmUps: 4,
  contenders: poolVariants.flatMap(({ name, options }) => [
    { name, package: '@posttask/core', measure: roundTrips(options) },
    { name: `${name}, await run()`, package: '@posttask/core', measure: inTurn(options) },
  ]),
}) satisfies Benchmark
