import { type Benchmark, benchmark } from './benchmark.ts'
import { threadContenders } from './peers/thread-contenders.ts'
import { throughput } from './peers/thread-throughput.ts'

export default benchmark({
  id: 'B10',
  question: 'No-op bound tasks on one thread, one at a time',
  cases: [
    { name: 'no argument', n: 1, settings: { threads: 1, inFlight: 1 } },
    { name: '1 KB', n: 1, settings: { threads: 1, inFlight: 1, kilobyte: true } },
  ],
  contenders: threadContenders.map(({ make, ...contender }) => ({ ...contender, measure: throughput(make) })),
}) satisfies Benchmark
