import type { Worker } from 'node:worker_threads'
import type { ThreadStart } from './protocol.ts'

/** What a library has to do for us: keep one thread, and put another in its place when it ends. */
export interface ThreadHolder {
  /**
   * The thread that runs now. Once one has ended this is its replacement by the time a listener hears of it; undefined
   * where the library has given up.
   */
  readonly thread: Worker | undefined
  /** Calls `serveTasks` in that thread; resolves only after `serveTasks` was called there, rejects where that fails. */
  serve(start: ThreadStart, transfer: readonly object[]): Promise<unknown>
  /** Ends the thread for good. */
  destroy(): Promise<unknown>
}
