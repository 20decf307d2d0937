import { formatNumber } from './metrics.ts'
import { type BenchmarkResult, figure, type Results, ratio, valuesOf } from './results.ts'
import { type Figure, ratioOf } from './statistics.ts'

/** A bar that the library has to reach; its figure comes from the results. */
interface Bar {
  readonly benchmark: string
  readonly id: string
  readonly text: string
  /** The figure may be this at the most, or has to be this at the least. */
  readonly most?: number
  readonly least?: number
  readonly unit?: string
  readonly figure: (result: BenchmarkResult, results: Results) => Figure | undefined
}

export interface BarLine {
  readonly verdict: 'met' | 'missed' | 'not measured'
  readonly text: string
}

const ours = 'posttask'
const neutral = 'posttask, asyncContext: false'

const over =
  (caseName: string, a: string, b: string, metric = 'cpuNs') =>
  (result: BenchmarkResult) =>
    ratio(result, caseName, a, b, metric)
const value = (caseName: string, contender: string, metric: string) => (result: BenchmarkResult) =>
  figure(result, caseName, contender, metric)

/** What `a` costs more than `plain`, ours unwatched and queued alike, over what `b` costs more than a bare ring. */
const extraOver = (caseName: string, a: string, plainName: string, b: string) => (result: BenchmarkResult) => {
  const rounds = [a, plainName, b, 'bare ring'].map((name) => valuesOf(result, caseName, name, 'cpuNs'))
  const [watched, plain, byHand, ring] = rounds
  if (watched === undefined || plain === undefined || byHand === undefined || ring === undefined) return undefined
  const extra = (values: readonly number[], base: readonly number[]) => values.map((one, round) => one - (base[round] as number))
  return ratioOf(extra(watched, plain), extra(byHand, ring))
}

/** Ours over the best of those who give promises: below 1, ours is faster than all of them. */
const overBestPeer = (caseName: string) => (result: BenchmarkResult) => {
  const peers = Object.keys(result.cases[caseName] ?? {}).filter((name) => !name.startsWith(ours) && name !== 'bare ring')
  return peers
    .map((peer) => ratio(result, caseName, ours, peer, 'cpuNs'))
    .reduce<Figure | undefined>(
      (worst, one) => (one && (worst === undefined || one.median > worst.median) ? one : worst),
      undefined,
    )
}

const b1 = 'b01-sequenced-post'
const b2 = 'b02-run-at-once'
const b3 = 'b03-run-in-turn'
const b4 = 'b04-priorities'
const b5 = 'b05-task-and-reply'
const b6 = 'b06-delayed-tasks'
const b7 = 'b07-event-loop-delay'
const b8 = 'b08-heap-per-task'
const b9 = 'b09-thread-throughput'
const b10 = 'b10-thread-round-trip'
const b11 = 'b11-thread-cpu-tasks'
const b12 = 'b12-cold-start'
const b13 = 'b13-size'
const b14 = 'b14-observability'

const runCells = ['sync, concurrency 1', 'async, concurrency 1', 'sync, concurrency 16', 'async, concurrency 16']
const threadCounts = ['1 thread', '2 threads']
const piscina = 'posttask on piscina'
const backends = [piscina, 'posttask on tinypool']

/** What reads totals, or has nothing to tell. */
const freeWatchers = ['an observer of nothing', 'channels, nobody listens', 'Prometheus', 'OpenTelemetry metrics']
/** Those beside which tasks of a long queue wait without records, as they do unwatched. */
const packing: readonly string[] = ['timing', 'history']
/** What looks at each task, and the same around the tasks of a bare ring. */
const pricedWatchers = [
  ['timing', 'clock'],
  ['an observer that does nothing', 'clock'],
  ['history', 'clock'],
  ['traceOrigin', 'captureStackTrace'],
  ['channels, one listens', 'tracingChannel, one listens'],
  ['Prometheus, histograms', 'prom-client histograms'],
  ['OpenTelemetry metrics, histograms', 'OpenTelemetry histograms'],
  ['OpenTelemetry spans, no SDK', 'OpenTelemetry spans, no SDK'],
  ['OpenTelemetry spans, SDK in memory', 'OpenTelemetry spans, SDK in memory'],
] as const

const bars: readonly Bar[] = [
  {
    benchmark: b1,
    id: 'B1',
    text: 'asyncContext: false / fastq callback',
    most: 1.2,
    figure: over('1e6', neutral, 'fastq callback'),
  },
  { benchmark: b1, id: 'B1', text: 'as it comes / fastq callback', most: 3, figure: over('1e6', ours, 'fastq callback') },
  {
    benchmark: b1,
    id: 'B1',
    text: 'asyncContext: false / fastq callback, all queued',
    most: 1.2,
    figure: over('1e6', neutral, 'fastq callback, all queued'),
  },
  { benchmark: b1, id: 'B1', text: 'p-queue / asyncContext: false', least: 20, figure: over('1e6', 'p-queue', neutral) },
  { benchmark: b1, id: 'B1', text: 'p-queue / as it comes', least: 8, figure: over('1e6', 'p-queue', ours) },
  ...runCells.flatMap((cell): Bar[] => [
    { benchmark: b2, id: 'B2', text: `${cell}: ours / bare ring`, most: 1.25, figure: over(cell, ours, 'bare ring') },
    { benchmark: b2, id: 'B2', text: `${cell}: ours / fastest peer with promises`, most: 1, figure: overBestPeer(cell) },
  ]),
  { benchmark: b3, id: 'B3', text: 'ours / fastq.promise', most: 1.1, figure: over('sync', ours, 'fastq.promise') },
  {
    benchmark: b4,
    id: 'B4',
    text: 'cost per task, dearest / cheapest size from 1e3 to 1e6',
    most: 1.2,
    figure: (result) => {
      const medians = Object.keys(result.cases).map((name) => figure(result, name, ours, 'cpuNs')?.median ?? Number.NaN)
      const growth = Math.max(...medians) / Math.min(...medians)
      return Number.isNaN(growth) ? undefined : { median: growth, min: growth, max: growth }
    },
  },
  { benchmark: b5, id: 'B5', text: 'task and reply / await run()', most: 2, figure: over('1e5', ours, 'posttask, await run()') },
  { benchmark: b6, id: 'B6', text: 'post: ours / setTimeout', most: 0.3, figure: over('1e5', ours, 'setTimeout', 'postNs') },
  { benchmark: b6, id: 'B6', text: 'cancel: ours / setTimeout', most: 0.3, figure: over('1e5', ours, 'setTimeout', 'cancelNs') },
  { benchmark: b6, id: 'B6', text: 'fire: ours / setTimeout', most: 1, figure: over('1e5', ours, 'setTimeout', 'fireNs') },
  { benchmark: b6, id: 'B6', text: 'bytes: ours / setTimeout', most: 0.6, figure: over('1e5', ours, 'setTimeout', 'bytes') },
  {
    benchmark: b6,
    id: 'B6',
    text: 'lateness p99: ours / setTimeout',
    most: 1,
    figure: over('1e5', ours, 'setTimeout', 'latenessP99Ms'),
  },
  {
    benchmark: b7,
    id: 'B7',
    text: 'event-loop delay p99, twice turnBudgetMs',
    most: 10,
    unit: ' ms',
    figure: value('drain', ours, 'delayP99Ms'),
  },
  ...[neutral, ours].flatMap((variant): Bar[] => {
    const setting = variant === ours ? 'as it comes' : 'asyncContext: false'
    return [
      {
        benchmark: b8,
        id: 'B8',
        text: `postTask, ${setting}`,
        most: 110,
        unit: ' bytes',
        figure: value('postTask', variant, 'bytes'),
      },
      { benchmark: b8, id: 'B8', text: `run, ${setting}`, most: 340, unit: ' bytes', figure: value('run', variant, 'bytes') },
    ]
  }),
  {
    benchmark: b8,
    id: 'B8',
    text: 'left per task after a drain of 1e6',
    most: 1,
    unit: ' bytes',
    figure: value('left after a drain of 1e6', ours, 'bytes'),
  },
  {
    benchmark: b8,
    id: 'B8',
    text: 'objects per plain post',
    most: 1.05,
    figure: value('allocation of postTask', neutral, 'objects'),
  },
  {
    benchmark: b8,
    id: 'B8',
    text: 'allocated per plain post, garbage included, over the bar of one record',
    most: 1.1,
    figure: (result) => {
      const allocated = figure(result, 'allocation of postTask', neutral, 'allocatedBytes')
      return allocated && { median: allocated.median / 110, min: allocated.min / 110, max: allocated.max / 110 }
    },
  },
  ...threadCounts.flatMap((threads) =>
    backends.flatMap((backend): Bar[] => [
      {
        benchmark: b9,
        id: 'B9',
        text: `${threads}, no argument: ${backend} / piscina.run`,
        least: 6,
        figure: over(`${threads}, no argument`, backend, 'piscina.run', 'perSecond'),
      },
      {
        benchmark: b9,
        id: 'B9',
        text: `${threads}, 1 KB: ${backend} / piscina.run`,
        least: 2,
        figure: over(`${threads}, 1 KB`, backend, 'piscina.run', 'perSecond'),
      },
      {
        benchmark: b9,
        id: 'B9',
        text: `${threads}, no argument: ${backend} / raw batch`,
        least: 0.6,
        figure: over(`${threads}, no argument`, backend, 'raw batch of 100', 'perSecond'),
      },
    ]),
  ),
  ...backends.map(
    (backend): Bar => ({
      benchmark: b10,
      id: 'B10',
      text: `${backend} / piscina.run`,
      least: 0.85,
      figure: over('no argument', backend, 'piscina.run', 'perSecond'),
    }),
  ),
  ...['1 ms', '50 ms'].map(
    (size): Bar => ({
      benchmark: b11,
      id: 'B11',
      text: `${size} tasks: throughput, ours / piscina.run`,
      least: 0.98,
      figure: over(size, piscina, 'piscina.run', 'perSecond'),
    }),
  ),
  {
    benchmark: b11,
    id: 'B11',
    text: '1 ms tasks: an urgent one waits longer with batching than without by',
    most: 1,
    unit: ' ms',
    figure: (result) => {
      const batched = figure(result, '1 ms', piscina, 'urgentMs')
      const single = figure(result, '1 ms', `${piscina}, batch: false`, 'urgentMs')
      if (batched === undefined || single === undefined) return undefined
      return { median: batched.median - single.median, min: batched.min - single.max, max: batched.max - single.min }
    },
  },
  // Where a thread is in its 50 ms is chance, and larger than the bar; how many tasks went first is not.
  {
    benchmark: b11,
    id: 'B11',
    text: '50 ms tasks: ended while an urgent one waited, on 2 threads',
    most: 2,
    unit: ' tasks',
    figure: value('50 ms', piscina, 'ahead'),
  },
  {
    benchmark: b12,
    id: 'B12',
    text: 'first result: ours / piscina',
    most: 1.1,
    figure: over('2 threads', piscina, 'piscina', 'startMs'),
  },
  {
    benchmark: b12,
    id: 'B12',
    text: 'memory of an idle pool: ours / piscina',
    most: 1.1,
    figure: over('2 threads', piscina, 'piscina', 'idleMB'),
  },
  {
    benchmark: b13,
    id: 'B13',
    text: 'runners, pool, delay queue',
    most: 6000,
    unit: ' bytes',
    figure: value('size', 'posttask, runners and pool', 'gzipBytes'),
  },
  {
    benchmark: b13,
    id: 'B13',
    text: 'the whole core entry',
    most: 9000,
    unit: ' bytes',
    figure: value('size', ours, 'gzipBytes'),
  },
  ...freeWatchers.map(
    (watcher): Bar => ({
      benchmark: b14,
      id: 'B14',
      text: `${watcher} / unwatched`,
      most: 1.1,
      figure: over('1e3', `posttask, ${watcher}`, ours),
    }),
  ),
  ...['1e3', '1e5'].flatMap((size) =>
    pricedWatchers.map(
      ([watcher, byHand]): Bar => ({
        benchmark: b14,
        id: 'B14',
        text: `${size}, ${watcher}: what it adds / ${byHand} by hand`,
        most: 1.3,
        figure: extraOver(
          size,
          `posttask, ${watcher}`,
          packing.includes(watcher) ? ours : 'posttask, queue limit',
          `bare ring, ${byHand}`,
        ),
      }),
    ),
  ),
]

/** Bars against results: a line for each, with the figure and its spread over the rounds. Default: all bars. */
export const checkBars = (results: Results, benchmarks?: readonly string[]): readonly BarLine[] =>
  bars.filter(({ benchmark }) => benchmarks?.includes(benchmark) ?? true).map((bar) => lineOf(bar, results))

const lineOf = (bar: Bar, results: Results): BarLine => {
  const result = results.benchmarks[bar.benchmark]
  const { id, text, unit = 'x', most, least } = bar
  const asked = most === undefined ? `at least ${least}${unit}` : `at most ${most}${unit}`
  const measured = result && bar.figure(result, results)
  if (measured === undefined || Number.isNaN(measured.median))
    return { verdict: 'not measured', text: `${id.padEnd(4)}not measured  ${text} (${asked})` }
  const isMet = most === undefined ? measured.median >= (least as number) : measured.median <= most
  const verdict = isMet ? 'met' : 'missed'
  const spread = `${formatNumber(measured.min)} to ${formatNumber(measured.max)}`
  return {
    verdict,
    text: `${id.padEnd(4)}${verdict.padEnd(12)}  ${text}: ${formatNumber(measured.median)}${unit} [${spread}] (${asked})`,
  }
}
