/** What V8 says of a frame, as far as it is used. */
interface Frame {
  getFileName(): string | null
  getFunctionName(): string | null
  getLineNumber(): number | null
  getColumnNumber(): number | null
  /** Where its function begins. Newer than the others. */
  getEnclosingLineNumber?(): number | null
  getEnclosingColumnNumber?(): number | null
}

interface Traces {
  captureStackTrace?(target: object, above?: unknown): void
  prepareStackTrace?: unknown
  stackTraceLimit?: number
}

const traces = Error as unknown as Traces
/** Deeper stacks prove nothing. */
const most = 64

/** Catches the frames; they are made readable when somebody asks. */
const capture = (limit: number, above: unknown): { readonly stack?: unknown } => {
  const { stackTraceLimit } = traces
  const trace = {}
  try {
    traces.stackTraceLimit = limit
    traces.captureStackTrace?.(trace, above)
  } finally {
    if (stackTraceLimit !== undefined) traces.stackTraceLimit = stackTraceLimit
  }
  return trace
}

const framesOf = (trace: { readonly stack?: unknown }): readonly Frame[] => {
  const own = Object.getOwnPropertyDescriptor(traces, 'prepareStackTrace')
  traces.prepareStackTrace = (_error: unknown, frames: readonly Frame[]): readonly Frame[] => frames
  try {
    return Array.isArray(trace.stack) ? trace.stack : []
  } finally {
    if (own === undefined) delete traces.prepareStackTrace
    else Object.defineProperty(traces, 'prepareStackTrace', own)
  }
}

const isSamePlace = (a: Frame, b: Frame): boolean =>
  a.getFileName() === b.getFileName() && a.getLineNumber() === b.getLineNumber() && a.getColumnNumber() === b.getColumnNumber()

const isSameFunction = (a: Frame, b: Frame): boolean =>
  a.getFileName() === b.getFileName() &&
  a.getFunctionName() === b.getFunctionName() &&
  a.getEnclosingLineNumber?.() === b.getEnclosingLineNumber?.() &&
  a.getEnclosingColumnNumber?.() === b.getEnclosingColumnNumber?.()

/**
 * To be called by the getter that an `await` reads. Gives the proof that the `await` stands in `task` itself, in the call
 * that the engine has made: then the task cannot end before the promise has settled. An `await` in a function that
 * `task` calls proves nothing, for it may not wait for that function. Undefined if there can be no proof: the stack is
 * not V8's, or the function is not an async one.
 */
export const isDirectAwait = (task: unknown): (() => boolean) | undefined => {
  if (traces.captureStackTrace === undefined || Object.prototype.toString.call(task) !== '[object AsyncFunction]')
    return undefined
  try {
    // The getter, what awaits, and what called that.
    const whole = capture(3, isDirectAwait)
    const below = capture(most, task)
    return () => {
      const [, awaiting, caller] = framesOf(whole)
      const callers = framesOf(below)
      const [first] = callers
      if (awaiting === undefined || caller === undefined || first === undefined || callers.length === most) return false
      // Called once: else it could be a call that the task has made of itself.
      return isSamePlace(caller, first) && !callers.some((frame) => isSameFunction(frame, awaiting))
    }
  } catch {
    // Where `Error` is frozen.
    return undefined
  }
}
