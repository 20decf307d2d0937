import { type Benchmark, benchmark } from './benchmark.ts'
import { threadContenders } from './peers/thread-contenders.ts'
import { throughput } from './peers/thread-throughput.ts'

export default benchmark({
  id: 'B9',
  question: 'No-op bound tasks on threads, 1000 in flight',
  cases: [1, 2].flatMap((threads) => {
    const count = threads === 1 ? '1 thread' : `${threads} threads`
    return [
      { name: `${count}, no argument`, n: 1, settings: { threads, inFlight: 1000 } },
      { name: `${count}, 1 KB`, n: 1, settings: { threads, inFlight: 1000, kilobyte: true } },
    ]
  }),
  contenders: threadContenders.map(({ make, ...contender }) => ({ ...contender, measure: throughput(make) })),
}) satisfies Benchmark
