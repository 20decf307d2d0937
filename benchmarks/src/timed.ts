import type { Sample } from './benchmark.ts'

/** Runs `body` once. CPU time is that of all threads of the process, garbage collection included. Nanoseconds per task. */
export const timed = async (n: number, body: () => unknown): Promise<Sample> => {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  const pending = body()
  if (pending instanceof Promise) await pending
  const wall = Number(process.hrtime.bigint() - start)
  const { user, system } = process.cpuUsage(cpu)
  return { cpuNs: ((user + system) * 1e3) / n, wallNs: wall / n }
}

/** As {@link timed}, for few tasks: repeated until at least `total` tasks were run, for the clocks have a grain. */
export const timedOften = (n: number, total: number, body: () => unknown): Promise<Sample> => {
  const times = Math.max(1, Math.ceil(total / n))
  return timed(n * times, async () => {
    for (let i = 0; i < times; i++) await body()
  })
}
