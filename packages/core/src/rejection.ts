const withAwaiters = new WeakSet<Error>()

const captureStackTrace = (Error as { captureStackTrace?: (target: object, above?: unknown) => void }).captureStackTrace

const appendAwaiters = (error: Error): void => {
  if (captureStackTrace === undefined || withAwaiters.has(error)) return
  const here: { stack?: string } = {}
  captureStackTrace(here, rejectThroughAwaiters)
  const own = error.stack ?? ''
  // Below a microtask there is only the host; what maps stacks to sources may leave the word async out.
  const isAwaiter = (line: string): boolean => /^\s+at /.test(line) && !line.includes('node:internal') && !own.includes(line)
  const lines = here.stack?.split('\n').filter(isAwaiter) ?? []
  if (lines.length === 0) return
  withAwaiters.add(error)
  try {
    error.stack = [own, ...lines].join('\n')
  } catch {
    // A frozen error stays as it is.
  }
}

/**
 * A promise that rejects with the very `error` (F1), for the `resolve` of another to take over. Where it is an
 * `Error`, its stack then also shows the chain that awaits it (E5): V8 can walk that chain from inside an async
 * function whose promise it ends in. It costs nothing until something fails.
 */
export const rejectThroughAwaiters = async (error: unknown): Promise<never> => {
  // The other promise takes this one over in the second microtask from here; the chain exists from then on.
  await undefined
  await undefined
  if (error instanceof Error) appendAwaiters(error)
  throw error
}
