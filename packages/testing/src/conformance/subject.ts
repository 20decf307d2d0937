import { type BoundTask, type Executor, type HookOptions, type TaskModule, ThreadPool, taskModule } from '@posttask/core'
import { ConformanceFailure } from './assertions.ts'
import type * as ContextTasks from './context-tasks.ts'
import type * as Tasks from './tasks.ts'

// The modules have this one's extension: .ts in the repository, .js in the package.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const moduleUrl = (name: string): URL => new URL(`./${name}${extension}`, import.meta.url)

/** In polls of one millisecond. */
const longestWait = 2000

const asClosures = <M extends object>(url: URL): TaskModule<M> =>
  new Proxy({} as TaskModule<M>, {
    get:
      (_target, name: string) =>
      (...args: readonly unknown[]) =>
      async (): Promise<unknown> => {
        const module = (await import(url.href)) as Record<string, (...args: readonly unknown[]) => unknown>
        return module[name]?.(...args)
      },
  })

/** An executor under test, and what cases need around it. */
export class Subject {
  readonly executor: Executor
  /** Tasks that the executor accepts: bound ones, or closures that do the same. */
  readonly tasks: TaskModule<typeof Tasks>
  readonly contextTasks: TaskModule<typeof ContextTasks>
  #pool: ThreadPool | undefined

  constructor(executor: Executor) {
    const takesBound = executor.accepts.includes('bound')
    this.executor = executor
    this.tasks = takesBound ? taskModule<typeof Tasks>(moduleUrl('tasks')) : asClosures<typeof Tasks>(moduleUrl('tasks'))
    this.contextTasks = taskModule<typeof ContextTasks>(moduleUrl('context-tasks'))
  }

  /** The pool of the case, made at the first call. It is closed when the case ends. */
  pool(options: HookOptions & { readonly agingMs?: number } = {}): ThreadPool {
    this.#pool ??= new ThreadPool({ name: 'conformance', ...options, executor: this.executor })
    return this.#pool
  }

  /** A task whose module or export does not exist. */
  missing(module: string, name: string): BoundTask {
    return {
      module: module === 'tasks' ? moduleUrl('tasks').href : new URL(module, import.meta.url).href,
      export: name,
      args: [],
    }
  }

  /** Time passes on the executor's clock. */
  delay(ms: number): Promise<void> {
    return new Promise((resolve) => void this.executor.clock.setTimer(ms, resolve))
  }

  /** Waits until `holds`, for some seconds at the most. */
  async waitFor(holds: () => boolean, what: string): Promise<void> {
    for (let polls = 0; !holds(); polls++) {
      if (polls === longestWait) throw new ConformanceFailure(`waited in vain for ${what}`)
      await this.delay(1)
    }
  }

  /** Waits for a task to write `value` to `array[index]`. */
  until(array: Int32Array, index: number, value: number): Promise<void> {
    return this.waitFor(() => Atomics.load(array, index) === value, 'a task to start')
  }

  /** A promise that the case awaits later; should the case fail before, nobody has to. */
  watch<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {})
    return promise
  }

  /** Memory that the task and the case both see. */
  shared(length = 4): Int32Array {
    return new Int32Array(new SharedArrayBuffer(length * 4))
  }

  async dispose(): Promise<void> {
    if (this.#pool === undefined) await this.executor.close()
    else await this.#pool.close({ timeoutMs: 5000 })
  }
}
