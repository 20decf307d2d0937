/**
 * The directories still to be listed, last found first, so that it holds a path down the tree and its siblings and
 * not a whole level. An async iterable of them that ends when every directory given out was settled and none is left.
 */
export class Frontier implements AsyncIterable<string> {
  readonly #waiting: string[]
  #unsettled: number
  #isStopped = false
  #wake: (() => void) | undefined

  constructor(root: string) {
    this.#waiting = [root]
    this.#unsettled = 1
  }

  /** A directory given out was listed: these are its subdirectories. Once for each, and never failing. */
  settle(subdirectories: readonly string[]): void {
    for (let index = subdirectories.length - 1; index >= 0; index -= 1) this.#waiting.push(subdirectories[index] as string)
    this.#unsettled += subdirectories.length - 1
    this.#wake?.()
  }

  /** Gives nothing more out. What was given out may still settle. */
  stop(): void {
    this.#isStopped = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    while (!this.#isStopped && this.#unsettled > 0) {
      const next = this.#waiting.pop()
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else yield next
    }
  }
}
