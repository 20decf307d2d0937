import type { ResourceLimits } from 'node:worker_threads'

// What we declare of tinypool. Its own declarations compile with `skipLibCheck` only, and not in CommonJS, so ours do not
// name them; test/types/tinypool-types.ts holds one against the other.

/** What tinypool hands to each thread, as options of `node:worker_threads`. */
export interface TinypoolThreadOptions {
  /** More of the thread's `process.argv`. */
  readonly argv?: string[]
  /** The thread's `process.env` instead of a copy of ours. */
  readonly env?: Record<string, string>
  /** Flags of Node for the thread, instead of those of this process. */
  readonly execArgv?: string[]
  /** The most memory of the thread, in MB. */
  readonly resourceLimits?: ResourceLimits
  /** Closes files that the thread left open when it ends. */
  readonly trackUnmanagedFds?: boolean
  /** `workerData` of the thread. */
  readonly workerData?: unknown
}

/** What an executor uses of a `Tinypool` of yours. */
export interface BorrowedTinypool {
  /** Its settings. */
  readonly options: {
    readonly maxThreads: number
    readonly concurrentTasksPerWorker: number
    readonly runtime: 'worker_threads' | 'child_process'
  }
  /** Runs an export of a file on one of its threads. */
  run(task: unknown, options?: { filename: string; name: string; transferList: never[] }): Promise<unknown>
}
