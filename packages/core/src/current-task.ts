import { type AsyncStorage, createAsyncStorage } from './async-context.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

let current: TaskRecord | undefined
/** Made for the first pool with `trackRunner`. A task of another pool stands in it as undefined. */
let storage: AsyncStorage<TaskRecord | undefined> | undefined

/** Runs the synchronous part of a task. */
export const runAsCurrent = <R>(record: TaskRecord, body: () => R): R => {
  const outer = current
  current = record
  try {
    const { scope, runner } = record
    const tracking = storage
    const enter = tracking === undefined ? body : () => tracking.run(runner.pool.tracksRunner ? record : undefined, body)
    return scope === undefined ? enter() : scope.runInAsyncScope(enter, undefined)
  } finally {
    current = outer
  }
}

/** The hot form of `runAsCurrent`: no closure, the caller restores. Returns the task that was current. */
export const setCurrent = (record: TaskRecord | undefined): TaskRecord | undefined => {
  const outer = current
  current = record
  return outer
}

/** From now on the current task is also known after an `await`, for pools with `trackRunner`. */
export const trackRunners = (): void => {
  storage ??= createAsyncStorage<TaskRecord | undefined>()
}

/** The task in whose synchronous part the caller is. */
export const synchronousTask = (): TaskRecord | undefined => current

/** True when some pool has `trackRunner`: then a task of another pool must not pass for the one that posted it. */
export const isTracking = (): boolean => storage !== undefined

/** The task in whose synchronous part the caller is; with `trackRunner`, in whose async continuation. */
export const currentTask = (): TaskRecord | undefined => current ?? storage?.getStore()

/**
 * The runner whose task the caller is part of, or undefined outside of one. Always right in a task's synchronous
 * part; after an `await` too on a pool with `trackRunner: true`. Chromium's
 * `SequencedTaskRunner::GetCurrentDefault`.
 */
export const currentTaskRunner = (): TaskRunner | undefined => currentTask()?.runner

// The worker entry finds the context of a bound task that runs inline through this, without importing the engine.
Object.defineProperty(globalThis, Symbol.for('@posttask/core/current-execution'), {
  value: currentTask,
  configurable: true,
  writable: true,
})
