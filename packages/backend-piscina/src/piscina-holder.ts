import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import type { ThreadHolder, ThreadStart } from '@posttask/core/worker'
import { Piscina } from 'piscina'
import type { BorrowedPiscina, PiscinaThreadOptions } from './piscina-types.ts'

const loader = fileURLToPath(new URL('./load.cjs', import.meta.url))

/** Beside this module, and of its kind: TypeScript in the repository, JavaScript once built. */
const entry = new URL(`./worker${extname(import.meta.url)}`, import.meta.url).href

/** Calls `serveTasks` in a thread of `pool`. */
export const serveIn = (pool: BorrowedPiscina, start: ThreadStart, transfer: readonly object[]): Promise<unknown> =>
  pool.run({ entry, start }, { filename: loader, name: 'default', transferList: [...transfer] as never[] })

/**
 * One piscina pool of one thread. Piscina puts another in its place when it ends. Its atomics are off: with them on, the
 * thread's event loop stands still between tasks.
 */
export class PiscinaHolder implements ThreadHolder {
  readonly #pool: Piscina

  constructor(options: PiscinaThreadOptions) {
    this.#pool = new Piscina({
      ...options,
      filename: null,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      recordTiming: false,
    })
    // The thread tells of its errors itself; without a listener piscina's telling ends the process.
    this.#pool.on('error', () => {})
  }

  get thread(): Worker | undefined {
    return this.#pool.threads[0]
  }

  serve(start: ThreadStart, transfer: readonly object[]): Promise<unknown> {
    return serveIn(this.#pool, start, transfer)
  }

  destroy(): Promise<unknown> {
    return this.#pool.destroy()
  }
}
