import type { Clock, Executor, Task } from '@posttask/core'

/**
 * A real executor under a virtual clock: what it runs holds the virtual time, as real work does. The outcome is real,
 * the order in which jobs end is too, so it cannot be explored.
 */
export const heldExecutor = <Accepts extends Task>(
  executor: Executor<Accepts>,
  clock: Clock,
  external: <T>(promise: PromiseLike<T>, what: string) => Promise<T>,
): Executor<Accepts> => {
  const hold = (result: unknown, what: string): unknown =>
    typeof (result as PromiseLike<unknown> | undefined)?.then === 'function'
      ? external(result as PromiseLike<unknown>, what)
      : result
  return {
    name: executor.name,
    accepts: executor.accepts,
    clock,
    maxConcurrency: executor.maxConcurrency,
    capabilities: { ...executor.capabilities, maxBatch: 1 },
    execute: (task, execution) => hold(executor.execute(task, execution), `${executor.name} ${execution.name}`),
    abort: (execution) => executor.abort?.(execution),
    openThread: (options) => {
      const thread = executor.openThread(options)
      return {
        execute: (task, execution) => hold(thread.execute(task, execution), `${executor.name} ${execution.name}`),
        abort: (execution) => thread.abort?.(execution),
        close: () => external(thread.close(), `${executor.name} closes a thread`),
        terminate: () => external(thread.terminate(), `${executor.name} ends a thread`),
      }
    },
    close: () => external(executor.close(), `${executor.name} closes`),
    terminate: () => external(executor.terminate(), `${executor.name} terminates`),
    set onStrayError(tell: ((error: unknown) => void) | undefined) {
      executor.onStrayError = tell
    },
  }
}
