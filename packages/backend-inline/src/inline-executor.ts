import {
  type BoundTask,
  type Closure,
  type Executor,
  loadExport,
  systemClock,
  type Task,
  type TaskExecution,
  type ThreadExecutor,
} from '@posttask/core'

/** Options of {@link inlineExecutor}. */
export interface InlineExecutorOptions {
  /** The most tasks at a time. A task that awaits counts until it has settled. Default `Infinity`. */
  maxConcurrency?: number | undefined
}

type Exported = (...args: readonly unknown[]) => unknown

/** The functions that were called so far, by URL and name: after its first call a bound task is as quick as a closure. */
const loaded = new Map<string, Exported>()

const call = (task: BoundTask, execution: TaskExecution): unknown => {
  const key = `${task.module}#${task.export}`
  const known = loaded.get(key)
  if (known !== undefined) return known(...task.args)
  return loadExport(task.module, task.export).then((found) => {
    loaded.set(key, found as Exported)
    if (execution.aborted) throw execution.abortReason
    return execution.enter(() => (found as Exported)(...task.args))
  })
}

class InlineExecutor implements Executor {
  readonly name = 'inline'
  readonly accepts = ['closure', 'bound'] as const
  readonly clock = systemClock
  readonly maxConcurrency: number
  readonly capabilities = { boundary: 'inline', transfer: false, terminate: false, sharedMemory: true, maxBatch: 1 } as const

  constructor(maxConcurrency: number) {
    this.maxConcurrency = maxConcurrency
  }

  execute(task: Task, execution: TaskExecution): unknown {
    return typeof task === 'function' ? (task as Closure)(execution) : call(task, execution)
  }

  openThread(): ThreadExecutor {
    return this
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  terminate(): Promise<void> {
    return Promise.resolve()
  }
}

/**
 * Runs closures and bound tasks on this event loop. Nothing is copied: arguments and results are the very values.
 * No dependency; runs in Node, Deno, Bun and browsers.
 *
 * ```ts
 * const pool = new ThreadPool({ executor: inlineExecutor() })
 * ```
 *
 * @throws RangeError for a `maxConcurrency` that is not a whole number of at least 1, or `Infinity`
 */
export const inlineExecutor = ({ maxConcurrency = Number.POSITIVE_INFINITY }: InlineExecutorOptions = {}): Executor => {
  if (maxConcurrency !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxConcurrency) && maxConcurrency >= 1)) {
    throw new RangeError(`maxConcurrency must be a whole number, at least 1, or Infinity, not ${String(maxConcurrency)}`)
  }
  return new InlineExecutor(maxConcurrency)
}
