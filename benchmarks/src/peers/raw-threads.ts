import { Worker } from 'node:worker_threads'

interface Message {
  readonly id: number
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly result: unknown
}

/**
 * The limit for threads: bare `postMessage`, no queue, no errors, no cancelling; workers in turn. With a `batch` of more
 * than one, the messages of one go share one `postMessage`, and so do their answers.
 */
export class RawThreads {
  readonly #workers: readonly Worker[]
  readonly #waiting = new Map<number, (result: unknown) => void>()
  readonly #batch: number
  #next = 0
  #nextWorker = 0
  #messages: Message[] = []

  constructor(script: URL, threads: number, batch: number) {
    this.#batch = batch
    this.#workers = Array.from({ length: threads }, () => new Worker(script))
    for (const worker of this.#workers) {
      worker.on('message', (answer: Answer | readonly Answer[]) => {
        if (Array.isArray(answer)) for (const one of answer as readonly Answer[]) this.#settle(one)
        else this.#settle(answer as Answer)
      })
    }
  }

  run(argument: unknown): Promise<unknown> {
    const message = { id: this.#next++, argument }
    if (this.#batch === 1) this.#post(message)
    else this.#collect(message)
    return new Promise((resolve) => this.#waiting.set(message.id, resolve))
  }

  #collect(message: Message): void {
    this.#messages.push(message)
    if (this.#messages.length === this.#batch) this.#flush()
    else if (this.#messages.length === 1) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    if (this.#messages.length === 0) return
    this.#post(this.#messages)
    this.#messages = []
  }

  #post(message: Message | readonly Message[]): void {
    const worker = this.#workers[this.#nextWorker] as Worker
    this.#nextWorker = (this.#nextWorker + 1) % this.#workers.length
    worker.postMessage(message)
  }

  #settle({ id, result }: Answer): void {
    const resolve = this.#waiting.get(id) as (result: unknown) => void
    this.#waiting.delete(id)
    resolve(result)
  }
}
