import { currentTask as currentRecord } from './current-task.ts'
import type { TaskContext } from './task.ts'

/**
 * The context of the task that the caller is part of, or undefined outside of one: for code deep down that wants the name,
 * the signal or the `yield` of its task without being handed them. As far as `currentTaskRunner` knows: always right in a
 * task's synchronous part; after an `await` too on a pool with `trackRunner: true`. In a worker thread it is `taskContext`
 * of `@posttask/core/worker`.
 */
export const currentTask = (): TaskContext | undefined => currentRecord()
