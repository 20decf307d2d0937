import { Worker } from 'node:worker_threads'

type Resolve = (result: unknown) => void

/** The limit for threads: bare `postMessage`, no queue, no errors, no cancelling. Round robin. */
export class RawThreads {
  readonly #workers: readonly Worker[]
  readonly #waiting = new Map<number, Resolve>()
  #next = 0

  constructor(script: URL, threads: number) {
    this.#workers = Array.from({ length: threads }, () => new Worker(script))
    for (const worker of this.#workers) {
      worker.on('message', ({ id, result }: { id: number; result: unknown }) => {
        const resolve = this.#waiting.get(id) as Resolve
        this.#waiting.delete(id)
        resolve(result)
      })
    }
  }

  run(argument: unknown): Promise<unknown> {
    return this.#send({ argument })
  }

  runBatch(batch: readonly unknown[]): Promise<readonly unknown[]> {
    return this.#send({ batch }) as Promise<readonly unknown[]>
  }

  #send(message: object): Promise<unknown> {
    const id = this.#next++
    const worker = this.#workers[id % this.#workers.length] as Worker
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      worker.postMessage({ id, ...message })
    })
  }
}

/** The same in batches: what is asked for in one go shares a message. */
export class RawBatches {
  readonly #threads: RawThreads
  readonly #size: number
  #batch: unknown[] = []
  #resolves: Resolve[] = []

  constructor(threads: RawThreads, size: number) {
    this.#threads = threads
    this.#size = size
  }

  run(argument: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      this.#batch.push(argument)
      this.#resolves.push(resolve)
      if (this.#batch.length === this.#size) this.#flush()
      else if (this.#batch.length === 1) queueMicrotask(() => this.#flush())
    })
  }

  #flush(): void {
    if (this.#batch.length === 0) return
    const resolves = this.#resolves
    void this.#threads.runBatch(this.#batch).then((results) => {
      for (let i = 0; i < resolves.length; i++) (resolves[i] as Resolve)(results[i])
    })
    this.#batch = []
    this.#resolves = []
  }
}
