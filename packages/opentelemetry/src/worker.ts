import { context, propagation } from '@opentelemetry/api'
import { taskContext } from '@posttask/core/worker'

const carrierOfTask = (): Readonly<Record<string, string>> => {
  try {
    return taskContext().carrier
  } catch {
    // Called by somebody else, such as a test of the function.
    return {}
  }
}

/**
 * Makes a function of a task module run in the context that `traceTasks` let travel with its task: spans that it makes in
 * its thread are children of the task's. It needs a context manager and a propagator there, as an SDK sets them up.
 * Everywhere else the function is what it was.
 *
 * ```ts
 * export const resize = traced((bytes: Uint8Array, width: number): Uint8Array => {
 *   return tracer.startActiveSpan('decode', (span) => ...)
 * })
 * ```
 */
export const traced =
  <Args extends unknown[], Result>(task: (...args: Args) => Result): ((...args: Args) => Result) =>
  (...args) =>
    context.with(propagation.extract(context.active(), carrierOfTask()), () => task(...args))
