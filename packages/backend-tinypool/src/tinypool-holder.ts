import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import type { ThreadHolder, ThreadStart } from '@posttask/core/worker'
import { Tinypool } from 'tinypool'
import type { TinypoolThreadOptions } from './tinypool-types.ts'

/** Beside this module, and of its kind: TypeScript in the repository, JavaScript once built. */
export const workerFile: string = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))

/**
 * One tinypool of one thread. Tinypool does not notice a thread that exits without an error, so it is told of one. Its
 * atomics are off: with them on, the thread's event loop stands still between tasks.
 */
export class TinypoolHolder implements ThreadHolder {
  readonly #pool: Tinypool
  readonly #watched = new WeakSet<Worker>()

  constructor(options: TinypoolThreadOptions) {
    this.#pool = new Tinypool({ ...options, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 1, useAtomics: false })
    // The thread tells of its errors itself; without a listener tinypool's telling ends the process.
    this.#pool.on('error', () => {})
  }

  get thread(): Worker | undefined {
    const [keeper] = this.#pool.threads
    const thread = (keeper as { readonly thread?: Worker } | undefined)?.thread
    if (keeper === undefined || thread === undefined) return undefined
    if (!this.#watched.has(thread)) {
      this.#watched.add(thread)
      // Tinypool waits for its end by `once`, which after an error takes its listeners off, and throws where it cannot.
      Object.assign(keeper, { removeListener: thread.removeListener.bind(thread) })
      thread.on('exit', (code) => {
        if (this.#pool.threads.includes(keeper)) keeper.emit('error', new Error(`the thread exited with code ${code}`))
      })
    }
    return thread
  }

  async serve(start: ThreadStart, transfer: readonly object[]): Promise<unknown> {
    return this.#pool.run(start, { filename: workerFile, transferList: [...transfer] as never })
  }

  destroy(): Promise<unknown> {
    return this.#pool.destroy()
  }
}
