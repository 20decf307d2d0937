/** What to do at the first Ctrl-C, and at the second. */
export interface InterruptHandlers {
  readonly first: () => void
  readonly second: () => void
}

/**
 * Package managers pass a Ctrl-C on to a program that the terminal has sent it to already; within this time (ms) it
 * is the same one.
 */
const samePressMs = 250

/** Ctrl-C (SIGINT), and SIGTERM, as a signal that ends the run gracefully, and the second time at once. */
export class Interrupt {
  /** 128 + SIGINT, as shells have it. */
  static readonly exitCode = 130
  readonly #controller = new AbortController()
  readonly #onSignal: () => void
  #wasRepeated = false

  constructor({ first, second }: InterruptHandlers) {
    let pressedAt: number | undefined
    this.#onSignal = () => {
      const now = performance.now()
      if (pressedAt === undefined) {
        pressedAt = now
        first()
        this.#controller.abort()
      } else if (now - pressedAt >= samePressMs) {
        this.#wasRepeated = true
        second()
      }
    }
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
  }

  /** Fires at the first Ctrl-C. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ctrl-C was pressed a second time. */
  get wasRepeated(): boolean {
    return this.#wasRepeated
  }

  /** Leaves Ctrl-C to the system again. */
  dispose(): void {
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }
}
