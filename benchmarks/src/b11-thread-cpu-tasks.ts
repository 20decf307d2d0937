import { fileURLToPath } from 'node:url'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { type BoundTask, type Executor, ParallelTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { Piscina } from 'piscina'
import { type Benchmark, benchmark, type MeasureContext, type Sample } from './benchmark.ts'
import { percentile } from './statistics.ts'

/** Runs so many milliseconds of CPU on a thread; `urgent` ones go first where the pool can. */
type Work = (milliseconds: number, urgent: boolean) => Promise<unknown>

const threads = 2
const fixture = new URL('./fixtures/work.js', import.meta.url)
const { work } = taskModule<typeof import('./fixtures/work.ts')>(fixture)

const ours = (makeExecutor: () => Executor<BoundTask>) => (): Work => {
  const runner = new ParallelTaskRunner(new ThreadPool({ executor: makeExecutor() }), { maxConcurrency: 1000 })
  return (milliseconds, urgent) => runner.run(work(milliseconds), { priority: urgent ? 'user-blocking' : 'user-visible' })
}

/** Throughput of a full queue of mixed priorities, then how long urgent tasks wait while the threads are kept busy. */
const cpuTasks = (make: () => Work): ((context: MeasureContext) => Promise<Sample>) => {
  let made: Work | undefined
  return async ({ n, case: { settings } }) => {
    made ??= make()
    const run = made
    const milliseconds = Number(settings?.['milliseconds'])
    await Promise.all(Array.from({ length: threads * 2 }, () => run(milliseconds, false)))

    const cpu = process.cpuUsage()
    const start = performance.now()
    await Promise.all(Array.from({ length: n }, (_, i) => run(milliseconds, i % 3 === 0)))
    const wall = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)

    let isProbing = true
    let ended = 0
    const keepBusy = async (): Promise<void> => {
      while (isProbing) {
        await run(milliseconds, false)
        ended++
      }
    }
    const busy = Array.from({ length: 20 }, keepBusy)
    const waits: number[] = []
    const ahead: number[] = []
    for (let probe = 0; probe < Number(settings?.['probes']); probe++) {
      await new Promise((resolve) => setTimeout(resolve, 1 + (probe % 7)))
      const asked = performance.now()
      const endedBefore = ended
      await run(0, true)
      waits.push(performance.now() - asked)
      ahead.push(ended - endedBefore)
    }
    isProbing = false
    await Promise.all(busy)
    return {
      perSecond: (n / wall) * 1e3,
      cpuNs: ((user + system) * 1e3) / n,
      urgentMs: percentile(waits, 0.9),
      ahead: percentile(ahead, 0.9),
    }
  }
}

export default benchmark({
  id: 'B11',
  question: 'Bound tasks that use CPU, on 2 threads, priorities mixed',
  cases: [
    { name: '1 ms', n: 600, settings: { milliseconds: 1, probes: 30 } },
    { name: '50 ms', n: 24, settings: { milliseconds: 50, probes: 10 } },
  ],
  contenders: [
    {
      name: 'posttask on piscina',
      package: '@posttask/backend-piscina',
      measure: cpuTasks(ours(() => piscinaExecutor({ minThreads: threads, maxThreads: threads }))),
    },
    {
      name: 'posttask on piscina, batch: false',
      package: '@posttask/backend-piscina',
      measure: cpuTasks(ours(() => piscinaExecutor({ minThreads: threads, maxThreads: threads, batch: false }))),
    },
    {
      name: 'posttask on tinypool',
      package: '@posttask/backend-tinypool',
      measure: cpuTasks(ours(() => tinypoolExecutor({ minThreads: threads, maxThreads: threads }))),
    },
    {
      // No priorities without a queue of one's own: urgent tasks stand in line.
      name: 'piscina.run',
      package: 'piscina',
      measure: cpuTasks(() => {
        const pool = new Piscina({ filename: fileURLToPath(fixture), minThreads: threads, maxThreads: threads })
        return (milliseconds) => pool.run(milliseconds)
      }),
    },
  ],
}) satisfies Benchmark
