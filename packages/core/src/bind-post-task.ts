import type { PostOptions, TaskHandle } from './task.ts'
import type { TaskRunner } from './task-runner.ts'

/**
 * A callback that posts instead of calling: for APIs that call back from anywhere. Each call is one task, in order.
 * Chromium's `base::BindPostTask`.
 */
export const bindPostTask =
  <Args extends unknown[]>(
    runner: TaskRunner,
    fn: (...args: Args) => unknown,
    options?: PostOptions,
  ): ((...args: Args) => TaskHandle) =>
  (...args) =>
    runner.postTask(() => fn(...args), { ...options, name: options?.name ?? (fn.name || undefined) })
