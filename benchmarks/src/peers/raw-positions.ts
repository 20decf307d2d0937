import { Worker } from 'node:worker_threads'

type Resolve = (result: unknown) => void

/**
 * The floor below every protocol: bare arguments in batches of 100, answered by place. The function is fixed, tasks have
 * no number, nothing can fail and nothing can be told apart but by its place; workers in turn.
 */
export class RawPositions {
  readonly #workers: readonly Worker[]
  readonly #sent: readonly (readonly Resolve[])[][]
  #next = 0
  #batch: unknown[] = []
  #resolves: Resolve[] = []

  constructor(script: URL, threads: number) {
    this.#sent = Array.from({ length: threads }, () => [])
    this.#workers = this.#sent.map((sent) => {
      const worker = new Worker(script)
      worker.on('message', (results: readonly unknown[]) => {
        const resolves = sent.shift() as readonly Resolve[]
        for (let i = 0; i < resolves.length; i++) (resolves[i] as Resolve)(results[i])
      })
      return worker
    })
  }

  run(argument: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      this.#batch.push(argument)
      this.#resolves.push(resolve)
      if (this.#batch.length === 100) this.#flush()
      else if (this.#batch.length === 1) queueMicrotask(() => this.#flush())
    })
  }

  #flush(): void {
    if (this.#batch.length === 0) return
    const worker = this.#workers[this.#next] as Worker
    const sent = this.#sent[this.#next] as (readonly Resolve[])[]
    this.#next = (this.#next + 1) % this.#workers.length
    worker.postMessage(this.#batch)
    sent.push(this.#resolves)
    this.#batch = []
    this.#resolves = []
  }
}
