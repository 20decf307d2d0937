import type { ResourceLimits, WorkerOptions } from 'node:worker_threads'

// What we declare of piscina. Its own declarations compile with `skipLibCheck` only, so ours do not name them;
// test/types/piscina-types.ts holds one against the other.

/** What piscina hands to each thread, as options of `node:worker_threads`. */
export interface PiscinaThreadOptions {
  /** More of the thread's `process.argv`. */
  readonly argv?: string[]
  /** The thread's `process.env` instead of a copy of ours. */
  readonly env?: NonNullable<WorkerOptions['env']>
  /** Flags of Node for the thread, instead of those of this process. */
  readonly execArgv?: string[]
  /** The most memory of the thread, in MB. */
  readonly resourceLimits?: ResourceLimits
  /** Closes files that the thread left open when it ends. */
  readonly trackUnmanagedFds?: boolean
  /** `workerData` of the thread. */
  readonly workerData?: unknown
  /** Lowers the priority of the threads in the operating system; needs `@napi-rs/nice`. */
  readonly niceIncrement?: number
}

/** What an executor uses of a `Piscina` of yours. */
export interface BorrowedPiscina {
  /** Its settings. */
  readonly options: {
    readonly maxThreads: number
    readonly maxQueue: number
    readonly concurrentTasksPerWorker: number
  }
  /** Runs an export of a file on one of its threads. */
  run(task: unknown, options?: { filename: string; name: string; transferList: never[] }): Promise<unknown>
}
