/**
 * One event of Chrome's Trace Event Format. `ph` is `X` (a slice, with `dur`), `M` (a name), `s` and `f` (the two ends of an
 * arrow), `b` and `e` (the two ends of a wait), or `C` (a counter). Times are microseconds.
 */
export interface TraceEvent {
  readonly ph: 'X' | 'M' | 's' | 'f' | 'b' | 'e' | 'C'
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly cat?: string
  readonly dur?: number
  readonly id?: number | string
  /** `e`: the arrow ends at the slice that encloses it. */
  readonly bp?: 'e'
  readonly args?: Readonly<Record<string, unknown>>
}

/** A trace file: the Performance panel of Chrome's DevTools opens it. */
export interface Trace {
  readonly traceEvents: readonly TraceEvent[]
  readonly displayTimeUnit: 'ms'
  readonly otherData: Readonly<Record<string, unknown>>
}
