import type { BoundTask, PostOptions, ShutdownBehavior, Task } from './task.ts'
import { blocksShutdown, continuesOnShutdown, isUnref } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import { checkedTime, levelOf } from './traits.ts'

/** What it is, for an error. */
export const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value)

const isBoundTask = (task: unknown): task is BoundTask => {
  if (typeof task !== 'object' || task === null) return false
  const { module, export: name, args } = task as Partial<BoundTask>
  return typeof module === 'string' && typeof name === 'string' && Array.isArray(args)
}

/** Refuses what is no task, or no task for this runner's executor, at the call (F6). */
export const checkTask = (runner: TaskRunner, task: Task): void => {
  const { accepts, executor } = runner.pool
  if (typeof task === 'function') {
    if (accepts.closures) return
    throw new TypeError(
      `runner "${runner.name}" cannot run a closure: executor "${executor.name}" runs tasks on threads, where a closure cannot go. Export the function from a module and post taskModule(url).${task.name || 'name'}(...)`,
    )
  }
  if (isBoundTask(task)) {
    if (accepts.boundTasks) return
    throw new TypeError(`runner "${runner.name}" cannot run a bound task: executor "${executor.name}" takes closures only`)
  }
  throw new TypeError(
    `runner "${runner.name}" was given ${kindOf(task)} as a task; post a function, or a bound task made by taskModule`,
  )
}

const shutdownFlags: Readonly<Record<ShutdownBehavior, number>> = {
  'continue-on-shutdown': continuesOnShutdown,
  'skip-on-shutdown': 0,
  'block-shutdown': blocksShutdown,
}

const isListOfObjects = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null)

/** Checks the options of a post, and gives those that are flags. */
export const flagsOf = (options: PostOptions): number => {
  const { shutdown, timeout, queueTimeout, signal, onProgress, transfer } = options
  const flags = shutdown === undefined ? 0 : shutdownFlags[shutdown]
  if (flags === undefined)
    throw new TypeError(`shutdown must be one of ${Object.keys(shutdownFlags).join(', ')}, not ${String(shutdown)}`)
  if (timeout !== undefined) checkedTime(timeout, 'timeout')
  if (queueTimeout !== undefined) checkedTime(queueTimeout, 'queueTimeout')
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw new TypeError('signal must be an AbortSignal')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw new TypeError('onProgress must be a function')
  if (transfer !== undefined && !isListOfObjects(transfer)) throw new TypeError('transfer must be an array of objects')
  return options.unref ? flags | isUnref : flags
}

/** Checks options that are needed later, when nobody is there to be told. */
export const checkOptions = (options: PostOptions): void => {
  flagsOf(options)
  if (options.priority !== undefined) levelOf(options.priority)
}

/** True where a record needs extras for these options. */
export const needsExtras = (options: PostOptions): boolean =>
  options.name !== undefined ||
  options.transfer !== undefined ||
  options.onProgress !== undefined ||
  options.timeout !== undefined ||
  options.queueTimeout !== undefined

/** True where nothing is said of the task but its priority, if that. */
export const saysPriorityOnly = (options: PostOptions & { readonly delay?: number | undefined }): boolean =>
  !needsExtras(options) &&
  options.signal === undefined &&
  options.shutdown === undefined &&
  options.unref === undefined &&
  options.delay === undefined
