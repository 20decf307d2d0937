// Bound tasks on worker threads: the main thread stays free, results come in order, a running task can be cancelled.
import { piscinaExecutor } from '@posttask/backend-piscina'
import { ParallelTaskRunner, ThreadPool, taskModule } from '@posttask/core'

const primes = taskModule<typeof import('./primes.ts')>(new URL('./primes.ts', import.meta.url))

await using pool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 2 }) })
const runner = new ParallelTaskRunner(pool, { name: 'primes', maxConcurrency: 2 })

console.log(`on the main thread: ${await runner.run(primes.isOnMainThread())}`)
console.log(`primes below 100000: ${await runner.run(primes.countPrimes({ from: 0, to: 100_000 }))}`)

// Four ranges on two threads: map binds the stub to each of them.
const ranges = [0, 25_000, 50_000, 75_000].map((from) => ({ from, to: from + 25_000 }))
const counts: number[] = []
for await (const count of runner.map(ranges, primes.countPrimes)) counts.push(count)
console.log(`by ranges: ${counts.join(' + ')} = ${counts.reduce((sum, count) => sum + count, 0)}`)

// The task polls its signal; with `abortGraceMs` a thread that does not would be ended by force (C2, C3).
const controller = new AbortController()
const endless = runner.run(primes.countForEver(), {
  signal: controller.signal,
  onProgress: (prime) => {
    console.log(`progress: ${String(prime)}`)
    controller.abort()
  },
})
console.log(`the endless task: ${await endless.catch((error: Error) => error.name)}`)
