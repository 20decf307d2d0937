const withAwaiters = new WeakSet<Error>()

const captureStackTrace = (Error as { captureStackTrace?: (target: object, above?: unknown) => void }).captureStackTrace

const appendAwaiters = (error: Error): void => {
  if (captureStackTrace === undefined || withAwaiters.has(error)) return
  const here: { stack?: unknown } = {}
  captureStackTrace(here, rejectThroughAwaiters)
  const own: unknown = error.stack
  // A program may have made anything of its stacks.
  if (typeof own !== 'string' || typeof here.stack !== 'string') return
  // Below a microtask there is only the host; what maps stacks to sources may leave the word async out.
  const isAwaiter = (line: string): boolean => /^\s+at /.test(line) && !line.includes('node:internal') && !own.includes(line)
  const lines = here.stack.split('\n').filter(isAwaiter)
  if (lines.length === 0) return
  withAwaiters.add(error)
  error.stack = [own, ...lines].join('\n')
}

/**
 * A promise that rejects with the very `error` (F1), for the `resolve` of another to take over. With `showsAwaiters` the
 * stack of an `Error` then also shows the chain that awaits it (E5): V8 can walk that chain from inside an async
 * function whose promise it ends in. It costs nothing until something fails. `onTold` is called when who awaits the other
 * promise has gone on.
 */
export const rejectThroughAwaiters = async (error: unknown, showsAwaiters: boolean, onTold: () => void): Promise<never> => {
  // The other promise takes this one over in the second microtask from here; the chain exists from then on.
  await undefined
  await undefined
  try {
    if (showsAwaiters && error instanceof Error) appendAwaiters(error)
  } catch {
    // A frozen error stays as it is, and one that cannot be looked at too.
  }
  void afterAwaiters(onTold)
  throw error
}

/** The other promise rejects in the next microtask, and who awaits that goes on in the one behind it. */
const afterAwaiters = async (onTold: () => void): Promise<void> => {
  await undefined
  await undefined
  await undefined
  onTold()
}
