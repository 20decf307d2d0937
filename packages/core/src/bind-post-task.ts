import { captureCaller } from './origin.ts'
import { kindOf } from './post-checks.ts'
import { postFrom } from './poster.ts'
import type { PostOptions, TaskHandle } from './task.ts'
import type { TaskRunner } from './task-runner.ts'

/**
 * A callback that posts instead of calling: for APIs that call back from anywhere. Each call is one task, in order.
 * Chromium's `base::BindPostTask`.
 * @throws TypeError for what is no task runner, or no function (F6)
 */
export const bindPostTask = <Args extends unknown[]>(
  runner: TaskRunner,
  fn: (...args: Args) => unknown,
  options?: PostOptions,
): ((...args: Args) => TaskHandle) => {
  if (typeof runner?.postTask !== 'function')
    throw new TypeError(`bindPostTask needs a task runner as its first argument, not ${kindOf(runner)}`)
  if (typeof fn !== 'function')
    throw new TypeError(`bindPostTask on runner "${runner.name}" was given ${kindOf(fn)} to call; pass a function`)
  const name = options?.name ?? (fn.name || undefined)
  return (...args) => postFrom(captureCaller(runner.pool, 1), () => runner.postTask(() => fn(...args), { ...options, name }))
}
