import { loadavg } from 'node:os'
import type { Case, Contender, Sample } from './benchmark.ts'
import { ContenderProcess } from './contender-process.ts'
import { loadBenchmark } from './load-benchmark.ts'
import type { BenchmarkResult } from './results.ts'

export interface RunOptions {
  readonly quick: boolean
  /** Measures only contenders whose name contains one of these, and ours. */
  readonly only?: readonly string[]
  readonly log: (line: string) => void
}

/** A contender that used this much of a case's time, in ms, has its figures from the rounds it had. */
const contenderBudget = 40_000

interface Entry {
  readonly contender: Contender
  process: ContenderProcess | undefined
}

/**
 * Measures a benchmark: each contender in a process of its own, one measurement at a time, round after round through
 * all of them, so that what disturbs the machine disturbs everybody.
 */
export const runBenchmark = async (name: string, { quick, only, log }: RunOptions): Promise<BenchmarkResult> => {
  const definition = await loadBenchmark(name)
  const { freshProcess = false } = definition
  const rounds = quick ? Math.min(2, definition.rounds ?? 5) : (definition.rounds ?? 5)
  const load = loadavg()[0] as number
  const failures: string[] = []
  const chosen = definition.contenders.filter(
    (one) => only === undefined || one.name.startsWith('posttask') || only.some((word) => one.name.includes(word)),
  )
  const entries: Entry[] = chosen.map((contender) => ({ contender, process: undefined }))

  const start = async ({ contender }: Entry): Promise<ContenderProcess> => {
    const process = new ContenderProcess(name, contender.name, contender.nodeFlags)
    await process.ready()
    return process
  }
  const measure = async (entry: Entry, { name: caseName, n }: Case): Promise<Sample> => {
    entry.process ??= await start(entry)
    const sample = await entry.process.measure({ caseName, n: Math.min(n, entry.contender.most ?? n) })
    if (freshProcess) {
      await entry.process.end()
      entry.process = undefined
    }
    return sample
  }

  const cases: Record<string, Record<string, Record<string, number[]>>> = {}
  try {
    for (const one of definition.cases) {
      const measured: Record<string, Record<string, number[]>> = {}
      cases[one.name] = measured
      const spent = new Map<Entry, number>()
      const takesPart = new Set(entries.filter(({ contender }) => contender.cases?.(one.name) ?? true))
      const warmUps = freshProcess || rounds === 1 ? 0 : 1
      for (let round = -warmUps; round < rounds; round++) {
        for (const entry of takesPart) {
          if (round > 0 && (spent.get(entry) ?? 0) > contenderBudget) continue
          const begin = performance.now()
          try {
            const sample = await measure(entry, one)
            if (round >= 0) record((measured[entry.contender.name] ??= {}), sample)
          } catch (error) {
            takesPart.delete(entry)
            failures.push(`${one.name}: ${entry.contender.name}: ${(error as Error).message}`)
            log(`  failed: ${failures.at(-1)}`)
            await entry.process?.end()
            entry.process = undefined
          }
          spent.set(entry, (spent.get(entry) ?? 0) + performance.now() - begin)
        }
      }
      log(`  ${definition.id} ${one.name}: ${rounds} rounds of ${takesPart.size} contenders`)
    }
  } finally {
    for (const { process } of entries) await process?.end()
  }

  const packages: Record<string, string> = {}
  const most: Record<string, number> = {}
  for (const one of chosen) if (one.most !== undefined) most[one.name] = one.most
  for (const { name: contender, package: packageName } of chosen) if (packageName !== undefined) packages[contender] = packageName
  const { id, question } = definition
  return { id, question, date: new Date().toISOString(), load, cases, packages, most, failures }
}

const record = (into: Record<string, number[]>, sample: Sample): void => {
  for (const [metric, value] of Object.entries(sample)) (into[metric] ??= []).push(value)
}
