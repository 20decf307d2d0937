import type { Trace, TraceEvent } from './trace-event.ts'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] as string)

const rowHeight = 22
const labelWidth = 160
const chartWidth = 1000
const top = 24

const style = `
  :root { color-scheme: light dark; font: 12px/1.4 system-ui, sans-serif }
  body { margin: 16px } h1 { font-size: 16px } .scroll { overflow-x: auto }
  svg text { font-size: 11px; fill: currentColor } .lane { stroke: currentColor; opacity: .15 }
  .task { fill: #4c8bf5; stroke: Canvas } .failed { fill: #d64545 } .cancelled { fill: #b58900 } .unfinished { fill: #888 }
  .mark { stroke: #0a8f5b; stroke-width: 2 } .arrow { stroke: #0a8f5b; opacity: .45; fill: none }
  .reply { stroke: #a23bb3 } .dispatch { stroke: #888 } svg .pool { font-weight: 600 }
  .key { display: inline-block; width: 14px; height: 10px; margin: 0 4px 0 12px } .key.line { height: 2px; vertical-align: middle }`

/** What the colours mean. */
const legend = Object.entries({
  '#4c8bf5': 'task',
  '#d64545': 'failed',
  '#b58900': 'cancelled',
  '#888888': 'unfinished',
  '#0a8f5b': 'post to run',
  '#a23bb3': 'task to reply',
})
  .map(
    ([colour, meaning]) =>
      `<span class="key${meaning.includes(' to ') ? ' line' : ''}" style="background: ${colour}"></span>${meaning}`,
  )
  .join('')

interface Chart {
  readonly x: (ts: number) => number
  readonly y: (event: TraceEvent) => number
}

/**
 * A timeline of a trace as one page: lanes, tasks, arrows, details as tooltips. No script and nothing loaded, so it may
 * be attached to anything.
 */
export const traceToHtml = ({ traceEvents }: Trace, title = 'posttask trace'): string => {
  const slices = traceEvents.filter(({ ph }) => ph === 'X')
  const used = new Set(slices.map(({ tid }) => tid))
  const lanes = namesOf(traceEvents, 'thread_name').filter(({ tid }) => used.has(tid))
  const rows = rowsOf(lanes)
  const first = slices.reduce((least, { ts }) => Math.min(least, ts), Number.MAX_SAFE_INTEGER)
  const last = slices.reduce((most, { ts, dur }) => Math.max(most, ts + (dur ?? 0)), 0)
  const span = Math.max(last - first, 1e-3)
  const chart: Chart = {
    x: (ts) => labelWidth + ((ts - first) / span) * chartWidth,
    y: ({ tid }) => top + (rows.get(tid) ?? 0) * rowHeight,
  }
  const height = top + (lanes.length + new Set(lanes.map(({ pid }) => pid)).size) * rowHeight + 8
  const width = labelWidth + chartWidth + 16
  const pools = new Map(namesOf(traceEvents, 'process_name').map(({ pid, args }) => [pid, String(args?.['name'])]))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${style}</style></head>
<body><h1>${escaped(title)}</h1>
<p>${slices.filter(isTask).length} slices over ${(span / 1000).toFixed(1)} ms. ${legend}</p>
<div class="scroll"><svg width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
${ticks(chart, first, span, height)}
${lanes
  .filter(({ pid }, index) => pid !== lanes[index - 1]?.pid)
  .map((lane) => poolRow(lane, chart, pools.get(lane.pid) ?? ''))
  .join('\n')}
${lanes.map((lane) => laneRow(lane, chart, pools.get(lane.pid) ?? '')).join('\n')}
${slices.map((event) => (isTask(event) ? taskBox(event, chart) : postMark(event, chart))).join('\n')}
${arrows(traceEvents, chart)}
</svg></div></body></html>
`
}

const namesOf = (events: readonly TraceEvent[], name: string): TraceEvent[] =>
  events.filter((event) => event.ph === 'M' && event.name === name)

/** Marks of posts have no details. */
const isTask = ({ args }: TraceEvent): boolean => args !== undefined

/** A row for each lane, and one above the first of each pool. */
const rowsOf = (lanes: readonly TraceEvent[]): ReadonlyMap<number, number> => {
  let row = -1
  return new Map(lanes.map(({ pid, tid }, index) => [tid, (row += pid === lanes[index - 1]?.pid ? 1 : 2)]))
}

const n = (value: number): string => value.toFixed(1)

const ticks = ({ x }: Chart, first: number, span: number, height: number): string =>
  [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const at = n(x(first + share * span))
      return `<line class="lane" x1="${at}" x2="${at}" y1="14" y2="${height}"/><text x="${at}" y="11" text-anchor="${share === 1 ? 'end' : 'middle'}">${n((share * span) / 1000)} ms</text>`
    })
    .join('\n')

const poolRow = (lane: TraceEvent, { y }: Chart, name: string): string =>
  `<text class="pool" x="0" y="${y(lane) - rowHeight + 15}">${escaped(name)}</text>`

/** Its pool is in the row above, and in the tooltip for whoever has scrolled. */
const laneRow = (lane: TraceEvent, { y }: Chart, pool: string): string => {
  const name = String(lane.args?.['name'])
  const shown = name.length > 24 ? `${name.slice(0, 23)}…` : name
  return `<text x="10" y="${y(lane) + 15}">${escaped(shown)}<title>${escaped(`${pool}: ${name}`)}</title></text>
<line class="lane" x1="0" x2="${labelWidth + chartWidth}" y1="${y(lane) + rowHeight}" y2="${y(lane) + rowHeight}"/>`
}

const taskBox = (event: TraceEvent, { x, y }: Chart): string => {
  const { name, ts, dur = 0, args = {} } = event
  const outcome = textOf(args['outcome'] ?? '')
  const width = Math.max(1, x(ts + dur) - x(ts))
  const lines = [
    `${name}: ${(dur / 1000).toFixed(3)} ms`,
    ...Object.entries(args).map(([key, value]) => `${key}: ${textOf(value)}`),
  ]
  const label = name.length * 6 < width ? `<text x="${n(x(ts) + 3)}" y="${y(event) + 15}">${escaped(name)}</text>` : ''
  return `<g><rect class="task ${escaped(outcome)}" x="${n(x(ts))}" y="${y(event) + 3}" width="${n(width)}" height="${rowHeight - 6}"/>${label}<title>${escaped(lines.join('\n'))}</title></g>`
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const postMark = (event: TraceEvent, { x, y }: Chart): string =>
  `<line class="mark" x1="${n(x(event.ts))}" x2="${n(x(event.ts))}" y1="${y(event) + 5}" y2="${y(event) + rowHeight - 5}"><title>${escaped(event.name)}</title></line>`

const arrows = (events: readonly TraceEvent[], { x, y }: Chart): string => {
  const starts = new Map(events.filter(({ ph }) => ph === 's').map((event) => [event.id, event]))
  const middle = rowHeight / 2
  return events
    .filter(({ ph }) => ph === 'f')
    .map((to) => {
      const from = starts.get(to.id)
      if (from === undefined) return ''
      return `<line class="arrow ${escaped(to.name)}" x1="${n(x(from.ts))}" y1="${y(from) + middle}" x2="${n(x(to.ts))}" y2="${y(to) + middle}"/>`
    })
    .join('\n')
}
