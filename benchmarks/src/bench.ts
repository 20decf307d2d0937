import { parseArgs } from 'node:util'
import { checkBars } from './bars.ts'
import { selectBenchmarks } from './catalog.ts'
import { writeComparison } from './comparison.ts'
import { describeMachine, installedVersions } from './environment.ts'
import { runBenchmark } from './harness.ts'
import { type Results, readResults, writeResults } from './results.ts'
import { benchmarkTable, writeReadme } from './table.ts'

const log = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const file = new URL('../results.json', import.meta.url)

/** Prints a line per bar and returns whether all are met. */
const printBars = (results: Results, names?: readonly string[]): boolean => {
  const lines = checkBars(results, names)
  for (const { text } of lines) log(text)
  const missed = lines.filter(({ verdict }) => verdict !== 'met').length
  log(`${lines.length - missed} bars met, ${missed} not`)
  return missed === 0
}

const measureAll = async (names: readonly string[], quick: boolean, only: readonly string[] | undefined): Promise<Results> => {
  const before = quick ? undefined : readResults(file)
  let results: Results = { machine: describeMachine(), versions: before?.versions ?? {}, benchmarks: before?.benchmarks ?? {} }
  for (const name of names) {
    log(`${name}`)
    const result = await runBenchmark(name, { quick, log, ...(only === undefined ? {} : { only }) })
    const versions = installedVersions(Object.values(result.packages))
    const benchmarks = { ...results.benchmarks, [name]: result }
    results = {
      ...results,
      versions: { ...results.versions, ...versions },
      benchmarks: Object.fromEntries(Object.entries(benchmarks).sort(([a], [b]) => a.localeCompare(b))),
    }
    log(benchmarkTable(result, results.versions))
    // After each one: a run that is stopped half way loses nothing.
    if (!quick && only === undefined) writeResults(file, results)
  }
  return results
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
})
if (values.check || values.report) {
  const results = readResults(file)
  if (results === undefined) throw new Error('nothing was measured yet: run `pnpm bench`')
  if (values.report) {
    writeReadme(results)
    writeComparison(results)
  }
  if (values.check && !printBars(results)) process.exitCode = 1
} else {
  const names = selectBenchmarks(positionals)
  const results = await measureAll(names, values.quick, values.only)
  if (!values.quick && values.only === undefined) {
    writeReadme(results)
    writeComparison(results)
  }
  printBars(results, names)
}
