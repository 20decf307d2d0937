import { readFileSync, writeFileSync } from 'node:fs'
import { checkBars } from './bars.ts'
import { formatNumber, metricOf } from './metrics.ts'
import { type BenchmarkResult, figure, type Results, ratio } from './results.ts'

const ours = 'posttask'
const readme = new URL('../README.md', import.meta.url)
const begin = '<!-- results: written by the script -->'
const end = '<!-- end of results -->'

const versionOf = (result: BenchmarkResult, versions: Results['versions'], contender: string): string => {
  const packageName = result.packages[contender]
  return packageName === undefined ? '' : (versions[packageName] ?? '')
}

const fewerTasks = ({ most }: BenchmarkResult, contender: string): string => {
  const tasks = most?.[contender]
  return tasks === undefined ? '' : ` (${tasks.toLocaleString('en-US')} tasks at the most)`
}

/**
 * A benchmark as Markdown: a table per case. The last column is the contender's first figure over that of the first
 * contender, which is ours: the median over the rounds, and its least and greatest.
 */
export const benchmarkTable = (result: BenchmarkResult, versions: Results['versions']): string => {
  const lines = [`### ${result.id} ${result.question}`, '']
  for (const [caseName, contenders] of Object.entries(result.cases)) {
    const names = Object.keys(contenders)
    const metricNames = [...new Set(Object.values(contenders).flatMap((rounds) => Object.keys(rounds)))]
    const [lead] = metricNames
    const reference = names.find((name) => name.startsWith(ours))
    if (lead === undefined || reference === undefined) continue
    const heads = metricNames.map((name) => `${metricOf(name).label} (${metricOf(name).unit})`)
    lines.push(
      `**${caseName}**`,
      '',
      `| | version | ${heads.join(' | ')} | ${metricOf(lead).label} / ours |`,
      `|---|---|${'---:|'.repeat(heads.length + 1)}`,
    )
    for (const name of names) {
      const cells = metricNames.map((metric) => {
        const measured = figure(result, caseName, name, metric)
        return measured === undefined ? '-' : formatNumber(measured.median)
      })
      const compared = ratio(result, caseName, name, reference, lead)
      const against = compared
        ? `${formatNumber(compared.median)} [${formatNumber(compared.min)} to ${formatNumber(compared.max)}]`
        : '-'
      lines.push(
        `| ${name}${fewerTasks(result, name)} | ${versionOf(result, versions, name)} | ${cells.join(' | ')} | ${against} |`,
      )
    }
    lines.push('')
  }
  for (const failure of result.failures) lines.push(`Not measured: ${failure.split('\n')[0]}`, '')
  return lines.join('\n')
}

/** Puts the results into `benchmarks/README.md`, between its two marks; the words around them stay. */
export const writeReadme = (results: Results): void => {
  const text = readFileSync(readme, 'utf8')
  const before = text.slice(0, text.indexOf(begin))
  const after = text.slice(text.indexOf(end))
  const { cpu, cores, memoryGB, system, node } = results.machine
  const measured = Object.values(results.benchmarks)
  const dates = measured.map(({ date }) => date.slice(0, 10)).sort()
  const loads = measured.map(({ load }) => load)
  const parts = [
    `Measured ${dates.at(0)}${dates.at(0) === dates.at(-1) ? '' : ` to ${dates.at(-1)}`}: ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}.`,
    `Load average when a benchmark began: ${formatNumber(Math.min(...loads))} to ${formatNumber(Math.max(...loads))}.`,
    '',
    '## The bars',
    '',
    '```',
    ...checkBars(results).map((line) => line.text),
    '```',
    '',
    '## All figures',
    '',
    ...measured.map((result) => benchmarkTable(result, results.versions)),
  ]
  writeFileSync(readme, `${before}${begin}\n\n${parts.join('\n')}\n${after}`)
}
