import { type Benchmark, benchmark } from './benchmark.ts'
import { asyncClosure, syncClosure } from './closures.ts'
import { runContenders } from './peers/run-contenders.ts'
import { timed } from './timed.ts'

export default benchmark({
  id: 'B2',
  question: 'run() 1e5 closures at once and wait for all outcomes',
  cases: [
    { name: 'sync, concurrency 1', n: 1e5, settings: { concurrency: 1, async: false } },
    { name: 'async, concurrency 1', n: 1e5, settings: { concurrency: 1, async: true } },
    { name: 'sync, concurrency 16', n: 1e5, settings: { concurrency: 16, async: false } },
    { name: 'async, concurrency 16', n: 1e5, settings: { concurrency: 16, async: true } },
  ],
  warmUps: 2,
  contenders: runContenders.map(({ make, ...contender }) => ({
    ...contender,
    measure: ({ n, case: { settings } }) => {
      const isAsync = settings?.['async'] === true
      const run = make(Number(settings?.['concurrency']), isAsync)
      const closure = isAsync ? asyncClosure : syncClosure
      return timed(n, () => {
        const outcomes = new Array<Promise<number>>(n)
        for (let i = 0; i < n; i++) outcomes[i] = run(closure)
        return Promise.all(outcomes)
      })
    },
  })),
}) satisfies Benchmark
