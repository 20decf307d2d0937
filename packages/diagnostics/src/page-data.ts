import type { Trace, TraceEvent } from './trace-event.ts'

/** What the page of a trace draws. Times are microseconds since the first slice or post. */
export interface PageData {
  readonly span: number
  /** How many slices there are. */
  readonly slices: number
  readonly lanes: readonly PageLane[]
  readonly arrows: PageArrows
  /** What slices are called, and what else is known of them: each text once. */
  readonly names: readonly string[]
  readonly details: readonly PageDetail[]
}

/** One row: its slices as columns, in order of their start. */
interface PageLane {
  readonly pool: string
  readonly name: string
  readonly starts: readonly number[]
  readonly durations: readonly number[]
  /** Indexes of `PageData.names`. */
  readonly names: readonly number[]
  /** Indexes of `PageData.details`. */
  readonly details: readonly number[]
  /** Ids of tasks; 0 if there is none. */
  readonly ids: readonly number[]
}

/** Columns: from a moment on one lane to the start of a slice on another. */
interface PageArrows {
  /** Indexes of `PageData.names`: `post`, `reply` or `dispatch`. */
  readonly kinds: readonly number[]
  readonly fromLanes: readonly number[]
  readonly froms: readonly number[]
  /** The slice that the arrow leaves; -1 outside of all. */
  readonly fromSlices: readonly number[]
  readonly toLanes: readonly number[]
  readonly toSlices: readonly number[]
}

/** What slices have in common beside their name. */
interface PageDetail {
  /** A line for each fact. */
  readonly text: string
  /** `failed`, `cancelled`, `unfinished`, `succeeded`, or empty. */
  readonly outcome: string
}

/** A trace as columns, a fifth of its size and quick to draw. Posts are the ends of their arrows. */
export const pageDataOf = ({ traceEvents }: Trace): PageData => {
  const slices = traceEvents.filter(({ ph, args }) => ph === 'X' && args !== undefined)
  const starts = traceEvents.filter(({ ph }) => ph === 's')
  const first = [...slices, ...starts].reduce((least, { ts }) => Math.min(least, ts), Number.MAX_VALUE)
  const last = slices.reduce((most, { ts, dur = 0 }) => Math.max(most, ts + dur), first)
  const texts = new Texts()
  const lanes = lanesOf(traceEvents, [...slices, ...starts])
  for (const slice of slices.toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))) {
    lanes.get(keyOf(slice))?.add(slice, first, texts)
  }
  return {
    span: slices.length === 0 ? 0 : toTenths(last - first),
    slices: slices.length,
    lanes: [...lanes.values()].map(({ columns }) => columns),
    arrows: arrowsOf(traceEvents, starts, lanes, first, texts),
    names: texts.names,
    details: texts.details,
  }
}

const keyOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`

/** A tenth of a microsecond is less than clocks know. */
const toTenths = (micros: number): number => Math.round(micros * 10) / 10

/** The lanes on which something is, from top to bottom. */
const lanesOf = (events: readonly TraceEvent[], drawn: readonly TraceEvent[]): ReadonlyMap<string, Lane> => {
  const names = (of: string): TraceEvent[] => events.filter(({ ph, name }) => ph === 'M' && name === of)
  const pools = new Map(names('process_name').map(({ pid, args }) => [pid, String(args?.['name'])]))
  const used = new Map(drawn.map((event) => [keyOf(event), event]))
  const named = names('thread_name').filter((event) => used.has(keyOf(event)))
  const nameless = [...used.values()].filter((event) => !named.some((lane) => keyOf(lane) === keyOf(event)))
  return new Map(
    [...named, ...nameless].map((event, index) => {
      const name = event.ph === 'M' ? String(event.args?.['name']) : `lane ${event.tid}`
      return [keyOf(event), new Lane(index, pools.get(event.pid) ?? '', name)]
    }),
  )
}

class Lane {
  readonly index: number
  readonly columns
  /** As they are in the trace: the page's are rounded. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  constructor(index: number, pool: string, name: string) {
    this.index = index
    this.columns = {
      pool,
      name,
      starts: [] as number[],
      durations: [] as number[],
      names: [] as number[],
      details: [] as number[],
      ids: [] as number[],
    }
  }

  /** Slices are added in order of their start. */
  add({ name, ts, dur = 0, args = {} }: TraceEvent, first: number, texts: Texts): void {
    const { id, ...rest } = args
    this.#starts.push(ts)
    this.#ends.push(ts + dur)
    this.columns.starts.push(toTenths(ts - first))
    this.columns.durations.push(toTenths(dur))
    this.columns.names.push(texts.nameOf(name))
    this.columns.details.push(texts.detailOf(rest))
    this.columns.ids.push(typeof id === 'number' ? id : 0)
  }

  /** The last slice that has begun by then, and not ended; else -1. */
  at(ts: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] as number) <= ts) low = middle + 1
      else high = middle
    }
    return low > 0 && (this.#ends[low - 1] as number) >= ts ? low - 1 : -1
  }
}

const arrowsOf = (
  events: readonly TraceEvent[],
  starts: readonly TraceEvent[],
  lanes: ReadonlyMap<string, Lane>,
  first: number,
  texts: Texts,
): PageArrows => {
  const byId = new Map(starts.map((event) => [event.id, event]))
  const found = events
    .filter(({ ph }) => ph === 'f')
    .flatMap((to) => {
      const from = byId.get(to.id)
      const fromLane = from && lanes.get(keyOf(from))
      const toLane = lanes.get(keyOf(to))
      const toSlice = toLane?.at(to.ts) ?? -1
      if (from === undefined || fromLane === undefined || toLane === undefined || toSlice === -1) return []
      return [{ kind: to.name, fromLane, from: from.ts, toLane, toSlice }]
    })
  return {
    kinds: found.map(({ kind }) => texts.nameOf(kind)),
    fromLanes: found.map(({ fromLane }) => fromLane.index),
    froms: found.map(({ from }) => toTenths(from - first)),
    fromSlices: found.map(({ fromLane, from }) => fromLane.at(from)),
    toLanes: found.map(({ toLane }) => toLane.index),
    toSlices: found.map(({ toSlice }) => toSlice),
  }
}

/** Keeps each text once. */
class Texts {
  readonly names: string[] = []
  readonly details: PageDetail[] = []
  readonly #names = new Map<string, number>()
  readonly #details = new Map<string, number>()

  nameOf(name: string): number {
    return this.#indexOf(this.#names, name, () => this.names.push(name))
  }

  detailOf(args: Readonly<Record<string, unknown>>): number {
    const text = Object.entries(args)
      .map(([key, value]) => `${key.replaceAll('_', ' ')}: ${textOf(value)}`)
      .join('\n')
    return this.#indexOf(this.#details, text, () => this.details.push({ text, outcome: textOf(args['outcome'] ?? '') }))
  }

  #indexOf(known: Map<string, number>, text: string, add: () => number): number {
    let index = known.get(text)
    if (index === undefined) {
      index = add() - 1
      known.set(text, index)
    }
    return index
  }
}

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  const { function: name, file, line } = Object(value) as { function?: string; file?: string; line?: number }
  return file === undefined ? JSON.stringify(value) : `${name} (${file}:${line})`
}
