import {
  type BoundTask,
  type Clock,
  type Executor,
  loadExport,
  type Task,
  type TaskExecution,
  type ThreadExecutor,
} from '@posttask/core'
import { calledOnce } from './called-once.ts'
import { copiedError } from './copied-error.ts'
import { structuredCopy } from './structured-copy.ts'

/** Options of a virtual executor. */
export interface VirtualExecutorOptions {
  /** Slots. Default: no limit without `workers`. */
  readonly maxConcurrency?: number | undefined
  /**
   * Models a pool of so many worker threads: bound tasks only, their arguments and results go through
   * `structuredClone`. They run on this event loop all the same, and share their modules.
   */
  readonly workers?: number | undefined
  /** With `workers`: how long each task takes in virtual ms, at least and at most, drawn from the seed. */
  readonly cost?: readonly [number, number] | undefined
}

/** What an environment wants to know of an executor, and does for it. */
export interface ExecutorHost {
  readonly clock: Clock
  started(execution: TaskExecution): void
  finished(execution: TaskExecution): void
  /** Runs code of a task. */
  run<R>(body: () => R): R
  /** Holds virtual time while real work is under way. */
  external<T>(promise: PromiseLike<T>, what: string): Promise<T>
  /** Virtual time passes for a task. */
  busy(execution: TaskExecution, cost: readonly [number, number]): Promise<void>
}

type Exported = (...args: readonly unknown[]) => unknown

/** The functions that were called so far, by URL and name: each is waited for once. */
const loaded = new Map<string, Exported>()

const keyOf = (task: BoundTask): string => `${task.module}#${task.export}`

/** Runs closures and bound tasks in this process, one at a time when its clock says so. Has no queue, as every executor. */
export class VirtualExecutor implements Executor {
  readonly name: string
  readonly accepts: readonly ('closure' | 'bound')[]
  readonly maxConcurrency: number
  readonly capabilities: Executor['capabilities']
  readonly #host: ExecutorHost
  readonly #isSimulated: boolean
  readonly #cost: readonly [number, number] | undefined

  constructor(host: ExecutorHost, options: VirtualExecutorOptions = {}) {
    this.#host = host
    this.#isSimulated = options.workers !== undefined
    this.#cost = options.cost
    this.name = this.#isSimulated ? 'virtual-threads' : 'virtual'
    this.accepts = this.#isSimulated ? ['bound'] : ['closure', 'bound']
    this.maxConcurrency = options.workers ?? options.maxConcurrency ?? Number.POSITIVE_INFINITY
    if (!(this.maxConcurrency >= 1)) throw new RangeError(`an executor needs at least one slot, not ${this.maxConcurrency}`)
    this.capabilities = {
      boundary: this.#isSimulated ? 'thread' : 'inline',
      transfer: this.#isSimulated,
      terminate: false,
      sharedMemory: true,
      maxBatch: 1,
    }
  }

  get clock(): Clock {
    return this.#host.clock
  }

  execute(task: Task, execution: TaskExecution): unknown {
    const host = this.#host
    host.started(execution)
    let result: unknown
    try {
      result = host.run(() => calledOnce(typeof task === 'function' ? task(execution) : this.#runBound(task, execution)))
    } catch (error) {
      host.finished(execution)
      throw error
    }
    if (result instanceof Promise) {
      const finished = (): void => host.finished(execution)
      result.then(finished, finished)
    } else host.finished(execution)
    return result
  }

  openThread(): ThreadExecutor {
    return {
      execute: (task, execution) => this.execute(task, execution),
      close: () => Promise.resolve(),
      terminate: () => Promise.resolve(),
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  terminate(): Promise<void> {
    return Promise.resolve()
  }

  #runBound(task: BoundTask, execution: TaskExecution): unknown {
    if (this.#isSimulated) return this.#runCopied(task, structuredCopy(task.args, 'args', execution.transfer), execution)
    const known = loaded.get(keyOf(task))
    if (known !== undefined) return known(...task.args)
    return this.#load(task).then((body) => execution.enter(() => body(...task.args)))
  }

  async #runCopied(task: BoundTask, args: readonly unknown[], execution: TaskExecution): Promise<unknown> {
    const body = loaded.get(keyOf(task)) ?? (await this.#load(task))
    if (this.#cost !== undefined) await this.#host.busy(execution, this.#cost)
    let result: unknown
    try {
      result = await execution.enter(() => body(...args))
    } catch (error) {
      // A cancelled task that ends as it was asked to gives back the very reason.
      throw execution.aborted && error === execution.abortReason ? error : copiedError(error)
    }
    return structuredCopy(result, 'result')
  }

  async #load(task: BoundTask): Promise<Exported> {
    const found = await this.#host.external(loadExport(task.module, task.export), `import ${task.module}`)
    loaded.set(keyOf(task), found as Exported)
    return found as Exported
  }
}
