import { writeFileSync } from 'node:fs'
import { formatNumber } from './metrics.ts'
import { figure, type Results } from './results.ts'

interface Panel {
  readonly benchmark: string
  readonly caseName: string
  readonly title: string
  readonly metric: string
  readonly unit: string
}

const panels: readonly Panel[] = [
  {
    benchmark: 'b01-sequenced-post',
    caseName: '1e6',
    title: 'Post a closure, fire and forget',
    metric: 'cpuNs',
    unit: 'ns of CPU per task',
  },
  {
    benchmark: 'b02-run-at-once',
    caseName: 'sync, concurrency 1',
    title: 'run() 100,000 at once, wait for all',
    metric: 'cpuNs',
    unit: 'ns of CPU per task',
  },
  {
    benchmark: 'b03-run-in-turn',
    caseName: 'sync',
    title: 'await run(), one after the other',
    metric: 'cpuNs',
    unit: 'ns of CPU per task',
  },
  { benchmark: 'b08-heap-per-task', caseName: 'run', title: 'Heap per queued run()', metric: 'bytes', unit: 'bytes per task' },
  {
    benchmark: 'b09-thread-throughput',
    caseName: '1 thread, no argument',
    title: 'No-op tasks on one thread, 1000 in flight',
    metric: 'wallNs',
    unit: 'ns of wall time per task',
  },
]

const left = 240
const width = 860
const plot = width - left - 90
const rowHeight = 22

interface Bar {
  readonly name: string
  readonly label: string
  readonly median: number
  readonly min: number
  readonly max: number
}

const barsOf = ({ benchmark, caseName, metric }: Panel, results: Results): readonly Bar[] => {
  const result = results.benchmarks[benchmark]
  return Object.keys(result?.cases[caseName] ?? {})
    .flatMap((name): Bar[] => {
      const measured = result && figure(result, caseName, name, metric)
      const version = results.versions[result?.packages[name] ?? '']
      const tasks = result?.most?.[name]
      const fewer = tasks === undefined ? '' : ` (${tasks.toLocaleString('en-US')})`
      return measured ? [{ name, label: `${version === undefined ? name : `${name} ${version}`}${fewer}`, ...measured }] : []
    })
    .sort((a, b) => a.median - b.median)
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** One panel: a dot each on a logarithmic axis (a bar's length would mean nothing there), the spread of the rounds as a line. */
const drawPanel = (panel: Panel, bars: readonly Bar[], top: number): string => {
  const low = Math.floor(Math.log10(Math.min(...bars.map(({ min }) => min))))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...bars.map(({ max }) => max)))))
  const x = (value: number): number => left + ((Math.log10(value) - low) / (high - low)) * plot
  const bottom = top + 34 + bars.length * rowHeight
  const parts = [`<text class="title" x="0" y="${top + 14}">${escaped(panel.title)}</text>`]
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power).toFixed(1)
    parts.push(
      `<line class="grid" x1="${at}" x2="${at}" y1="${top + 26}" y2="${bottom}"/>`,
      `<text class="axis" x="${at}" y="${bottom + 14}" text-anchor="middle">${(10 ** power).toLocaleString('en-US')}</text>`,
    )
  }
  parts.push(
    `<text class="axis" x="${left + plot}" y="${top + 14}" text-anchor="end">${escaped(panel.unit)}, log scale; less is better</text>`,
  )
  for (const [row, { name, label, median, min, max }] of bars.entries()) {
    const y = top + 30 + row * rowHeight
    const kind = name.startsWith('posttask') ? 'ours' : 'peer'
    parts.push(
      `<text class="name" x="${left - 8}" y="${y + 13}" text-anchor="end">${escaped(label)}</text>`,
      `<line class="spread" x1="${x(min).toFixed(1)}" x2="${x(max).toFixed(1)}" y1="${y + 8}" y2="${y + 8}"/>`,
      `<circle class="${kind}" cx="${x(median).toFixed(1)}" cy="${y + 8}" r="6"/>`,
      `<text class="value" x="${(Math.max(x(max), x(median) + 6) + 6).toFixed(1)}" y="${y + 13}">${formatNumber(median)}</text>`,
    )
  }
  return parts.join('\n')
}

const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 14px } .axis { fill: #59636e; font-size: 11px }
.ours { fill: #0969da } .peer { fill: #818b98 } .grid { stroke: #d1d9e0 } .spread { stroke: #59636e; stroke-width: 2 } .back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .axis { fill: #9198a1 } .ours { fill: #4493f8 } .peer { fill: #b7bdc8 } .grid { stroke: #3d444d } .spread { stroke: #9198a1 } .back { fill: #0d1117 }
}`

/** Draws `benchmarks/comparison.svg` from the results. */
export const writeComparison = (results: Results): void => {
  const drawn: string[] = []
  let top = 30
  for (const panel of panels) {
    const bars = barsOf(panel, results)
    if (bars.length === 0) continue
    drawn.push(drawPanel(panel, bars, top))
    top += 34 + bars.length * rowHeight + 44
  }
  const { cpu, cores, node } = results.machine
  const dates = Object.values(results.benchmarks)
    .map(({ date }) => date.slice(0, 10))
    .sort()
  const caption = `Node ${node}, ${cpu}, ${cores} cores, ${dates.at(-1)}. Dots: median of the rounds; lines: least and greatest. (n): got n tasks at the most.`
  writeFileSync(
    new URL('../comparison.svg', import.meta.url),
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-20 0 ${width + 40} ${top}" role="img" aria-label="posttask and its peers, measured">
<style>${style}</style>
<rect class="back" x="-20" width="${width + 40}" height="${top}"/>
<text class="axis" x="0" y="18">${escaped(caption)}</text>
${drawn.join('\n')}
</svg>
`,
  )
}
