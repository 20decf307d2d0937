import { type BoundTask, type Closure, type Executor, ModuleLoadError, systemClock, type Task, type TaskExecution, type ThreadExecutor } from '@posttask/core'

/** Options of {@link inlineExecutor}. */
export interface InlineExecutorOptions {
  /** The most tasks at a time. A task that awaits counts until it has settled. Default `Infinity`. */
  maxConcurrency?: number | undefined
}

type Exported = (...args: readonly unknown[]) => unknown

/** The functions that were called so far, by URL and name: after the first call a bound task is as quick as a closure. */
const loaded = new Map<string, Exported>()

const load = async ({ module, export: name }: BoundTask): Promise<Exported> => {
  let namespace: Record<string, unknown>
  try {
    namespace = (await import(/* @vite-ignore */ module)) as Record<string, unknown>
  } catch (cause) {
    throw new ModuleLoadError(`module ${module} could not be loaded for its export "${name}": ${String(cause)}`, module, name, { cause })
  }
  // A CommonJS module may hide its exports under `default`, once or twice.
  const outer = namespace['default'] as Record<string, unknown> | undefined
  const inner = outer?.['default'] as Record<string, unknown> | undefined
  const found = [namespace[name], outer?.[name], inner?.[name], name === 'default' ? inner : undefined].find((value) => typeof value === 'function')
  if (found === undefined) {
    const names = Object.keys(namespace).join(', ') || 'nothing'
    throw new ModuleLoadError(`module ${module} has no function "${name}"; it exports ${names}`, module, name)
  }
  loaded.set(`${module}#${name}`, found as Exported)
  return found as Exported
}

const call = (task: BoundTask, execution: TaskExecution): unknown => {
  const known = loaded.get(`${task.module}#${task.export}`)
  if (known !== undefined) return known(...task.args)
  return load(task).then((fn) => {
    if (execution.aborted) throw execution.abortReason
    return execution.enter(() => fn(...task.args))
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
