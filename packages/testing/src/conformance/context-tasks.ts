import { taskContext } from '@posttask/core/worker'

/** Reports 1 to `steps`, then ends. */
export const report = (steps: number): string => {
  const context = taskContext()
  for (let step = 1; step <= steps; step++) context.progress(step)
  return 'reported'
}

/** Says that it has started, and fails with the reason of its signal. */
export const failWhenAborted = async (state: Int32Array): Promise<never> => {
  const { signal } = taskContext()
  const aborted = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
  Atomics.store(state, 0, 1)
  return aborted
}

/** Says that it has started, then waits for its signal and gives its reason's message. */
export const untilAborted = async (state: Int32Array): Promise<string> => {
  const { signal } = taskContext()
  const aborted = new Promise<string>((resolve) =>
    signal.addEventListener('abort', () => resolve(String((signal.reason as Error).message)), { once: true }),
  )
  Atomics.store(state, 0, 1)
  const message = await aborted
  Atomics.store(state, 1, 1)
  return message
}
