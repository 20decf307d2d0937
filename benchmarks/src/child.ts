import { loadBenchmark } from './load-benchmark.ts'

/** What the parent asks: one measurement of one case. */
export interface Request {
  readonly caseName: string
  readonly n: number
}

const [benchmarkName = '', contenderName = '', ...standalone] = process.argv.slice(2)
const { contenders, cases, warmUps = 0 } = await loadBenchmark(benchmarkName)
const contender = contenders.find(({ name }) => name === contenderName)
if (contender === undefined) throw new RangeError(`${benchmarkName} has no contender ${contenderName}`)

const measure = async ({ caseName, n }: Request): Promise<unknown> => {
  const found = cases.find(({ name }) => name === caseName)
  if (found === undefined) throw new RangeError(`${benchmarkName} has no case ${caseName}`)
  for (let run = 0; run < warmUps; run++) await contender.measure({ n, case: found })
  globalThis.gc?.()
  return contender.measure({ n, case: found })
}

if (process.send === undefined) {
  // By hand and for the profiler: child.js BENCHMARK CONTENDER CASE ROUNDS
  const [caseName = '', rounds = '5'] = standalone
  const n = cases.find(({ name }) => name === caseName)?.n ?? 0
  for (let round = 0; round < Number(rounds); round++) {
    console.log(JSON.stringify(await measure({ caseName, n: Math.min(n, contender.most ?? n) })))
  }
  process.exit()
}

process.on('message', (request: Request) => {
  void measure(request).then(
    (sample) => process.send?.({ sample }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
process.send({ ready: true })
