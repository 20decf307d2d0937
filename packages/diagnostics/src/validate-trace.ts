import type { Trace, TraceEvent } from './trace-event.ts'

const laneOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`
const sliceKey = ({ cat, pid, tid, ts }: TraceEvent): string => `${cat} ${pid} ${tid} ${ts}`
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/**
 * What viewers would not show, or show wrongly: no problem gives an empty list. There is no official validator of the
 * format; these are the rules by which Chrome's DevTools and Perfetto read it.
 */
export const validateTrace = ({ traceEvents }: Trace): readonly string[] => [
  ...traceEvents.flatMap(fieldProblems),
  ...laneProblems(traceEvents),
  ...nestingProblems(traceEvents),
  ...arrowProblems(traceEvents),
  ...waitProblems(traceEvents),
]

const fieldProblems = (event: TraceEvent, index: number): string[] => {
  const { ph, name, pid, tid, ts, dur, cat, id, args } = event
  const rules: readonly (readonly [boolean, string])[] = [
    [typeof name === 'string' && name !== '', 'has no name'],
    [Number.isInteger(pid) && Number.isInteger(tid), 'needs whole numbers as pid and tid'],
    [isNumber(ts) && ts >= 0, 'needs a time that is not negative'],
    [ph !== 'X' || (isNumber(dur) && dur >= 0), 'is a slice without a duration'],
    [ph !== 'M' || (args !== undefined && ('name' in args || 'sort_index' in args)), 'names nothing'],
    [!['s', 'f'].includes(ph) || Number.isInteger(id), 'is an arrow whose id is no whole number'],
    [!['b', 'e'].includes(ph) || (id !== undefined && cat !== undefined), 'is a wait without id or category'],
    [ph !== 'C' || (args !== undefined && Object.values(args).every(isNumber)), 'is a counter without numbers'],
  ]
  return rules.flatMap(([holds, problem]) => (holds ? [] : [`event ${index} (${ph} "${name}") ${problem}`]))
}

/** Some viewers know a lane by its tid alone. */
const laneProblems = (events: readonly TraceEvent[]): string[] => {
  const lanes = new Set(events.filter(({ ph }) => ph === 'X').map(laneOf))
  const named = new Set(events.filter(({ ph, name }) => ph === 'M' && name === 'thread_name').map(laneOf))
  const tids = [...lanes].map((lane) => lane.split('/')[1])
  return [
    ...[...lanes].filter((lane) => !named.has(lane)).map((lane) => `lane ${lane} has no name`),
    ...tids.filter((tid, index) => tids.indexOf(tid) !== index).map((tid) => `tid ${tid} is in two processes`),
  ]
}

/** Sums of fractions: half a nanosecond is no overlap. */
const tolerance = 5e-4

/** Slices of a lane lie within each other or apart. */
const nestingProblems = (events: readonly TraceEvent[]): string[] => {
  const problems: string[] = []
  const open = new Map<string, { readonly name: string; readonly end: number }[]>()
  for (const event of slicesByStart(events)) {
    const lane = laneOf(event)
    const stack = open.get(lane) ?? []
    open.set(lane, stack)
    const end = event.ts + (event.dur ?? 0)
    while (stack.length > 0 && (stack.at(-1)?.end ?? 0) < event.ts + tolerance) stack.pop()
    const outer = stack.at(-1)
    if (outer !== undefined && end > outer.end + tolerance)
      problems.push(`"${event.name}" overlaps "${outer.name}" on lane ${lane}`)
    stack.push({ name: event.name, end })
  }
  return problems
}

const slicesByStart = (events: readonly TraceEvent[]): TraceEvent[] =>
  events.filter(({ ph }) => ph === 'X').toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))

/** Both ends, in order, each at the very start of a slice: else DevTools draws nothing. */
const arrowProblems = (events: readonly TraceEvent[]): string[] => {
  const slices = new Set(events.filter(({ ph }) => ph === 'X').map(sliceKey))
  const ends = new Map<TraceEvent['id'], { s?: TraceEvent; f?: TraceEvent }>()
  const problems: string[] = []
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 'f') continue
    const arrow = ends.get(event.id) ?? {}
    ends.set(event.id, arrow)
    if (arrow[event.ph] !== undefined) problems.push(`arrow ${event.id} has two ends of kind ${event.ph}`)
    arrow[event.ph] = event
    if (!slices.has(sliceKey(event))) problems.push(`arrow ${event.id} (${event.ph}) touches no slice`)
  }
  for (const [id, { s, f }] of ends) {
    if (s === undefined || f === undefined) problems.push(`arrow ${id} has one end only`)
    else if (f.ts <= s.ts) problems.push(`arrow ${id} does not go forward in time`)
  }
  return problems
}

const waitProblems = (events: readonly TraceEvent[]): string[] => {
  const open = new Map<string, number>()
  for (const { ph, cat, id, ts } of events) {
    const key = `${cat} ${id}`
    if (ph === 'b') open.set(key, ts)
    if (ph === 'e' && (open.get(key) ?? Number.POSITIVE_INFINITY) <= ts) open.delete(key)
    else if (ph === 'e') open.set(key, Number.NaN)
  }
  return [...open.keys()].map((key) => `wait ${key} has no beginning or no end`)
}
