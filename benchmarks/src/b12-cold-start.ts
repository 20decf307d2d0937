import { fileURLToPath } from 'node:url'
import type { BoundTask, Executor } from '@posttask/core'
import { type Benchmark, benchmark, type Sample } from './benchmark.ts'

const threads = { minThreads: 2, maxThreads: 2 }
const fixture = new URL('./fixtures/take.js', import.meta.url)

/** Imports nothing until it is measured. Gives a function that makes a pool and runs one task. */
type Load = () => Promise<() => Promise<unknown>>

const rssMB = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 2 ** 20
}

const coldStart = (load: Load) => async (): Promise<Sample> => {
  const begin = performance.now()
  const first = await load()
  const importMs = performance.now() - begin
  const before = rssMB()
  const start = performance.now()
  await first()
  const startMs = performance.now() - start
  // Both threads are up by then; nothing tells of the second one in every pool.
  await new Promise((resolve) => setTimeout(resolve, 400))
  return { startMs, importMs, idleMB: rssMB() - before }
}

const ours = async (backend: () => Promise<() => Executor<BoundTask>>): Promise<() => Promise<unknown>> => {
  const [{ ParallelTaskRunner, taskModule, ThreadPool }, executor] = await Promise.all([import('@posttask/core'), backend()])
  const { take } = taskModule<typeof import('./fixtures/take.ts')>(fixture)
  return () => new ParallelTaskRunner(new ThreadPool({ executor: executor() }), { maxConcurrency: 2 }).run(take(1))
}

export default benchmark({
  id: 'B12',
  question: 'Cold start: from making a pool to its first result, and memory of the idle pool',
  cases: [{ name: '2 threads', n: 1 }],
  rounds: 9,
  freshProcess: true,
  contenders: [
    {
      name: 'posttask on piscina',
      package: '@posttask/backend-piscina',
      measure: coldStart(() =>
        ours(async () => {
          const { piscinaExecutor } = await import('@posttask/backend-piscina')
          return () => piscinaExecutor(threads)
        }),
      ),
    },
    {
      name: 'posttask on tinypool',
      package: '@posttask/backend-tinypool',
      measure: coldStart(() =>
        ours(async () => {
          const { tinypoolExecutor } = await import('@posttask/backend-tinypool')
          return () => tinypoolExecutor(threads)
        }),
      ),
    },
    {
      name: 'piscina',
      package: 'piscina',
      measure: coldStart(async () => {
        const { Piscina } = await import('piscina')
        return () => new Piscina({ filename: fileURLToPath(fixture), ...threads }).run(1)
      }),
    },
    {
      name: 'tinypool',
      package: 'tinypool',
      measure: coldStart(async () => {
        const { Tinypool } = await import('tinypool')
        return () => new Tinypool({ filename: fileURLToPath(fixture), ...threads }).run(1)
      }),
    },
  ],
}) satisfies Benchmark
