import { type Benchmark, benchmark } from './benchmark.ts'
import { asyncClosure, syncClosure } from './closures.ts'
import { runContenders } from './peers/run-contenders.ts'
import { timed } from './timed.ts'

export default benchmark({
  id: 'B3',
  question: 'await run(), one after the other, 1e5 times',
  cases: [
    { name: 'sync', n: 1e5, settings: { async: false } },
    { name: 'async', n: 1e5, settings: { async: true } },
  ],
  warmUps: 4,
  contenders: runContenders.map(({ make, name, package: packageName }) => ({
    name,
    ...(packageName === undefined ? {} : { package: packageName }),
    measure: ({ n, case: { settings } }) => {
      const isAsync = settings?.['async'] === true
      const run = make(1, isAsync)
      const closure = isAsync ? asyncClosure : syncClosure
      return timed(n, async () => {
        for (let i = 0; i < n; i++) await run(closure)
      })
    },
  })),
}) satisfies Benchmark
