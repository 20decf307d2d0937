import { realTimer } from './host.ts'

const stallMs = 1000

/**
 * The commonest way to hang a test: something waits for virtual time, and nothing drives it. Prints a warning after a
 * second of that.
 */
export class StallWarning {
  readonly #isStalled: () => boolean
  readonly #describe: () => string
  #timer: Disposable | undefined

  constructor(isStalled: () => boolean, describe: () => string) {
    this.#isStalled = isStalled
    this.#describe = describe
  }

  /** To be called when something begins to wait, and when driving ends. */
  watch(): void {
    if (this.#timer !== undefined || !this.#isStalled()) return
    this.#timer = realTimer(stallMs, () => {
      if (this.#isStalled()) console.warn(`[posttask] nothing has driven the virtual time for ${stallMs} ms\n${this.#describe()}`)
    })
  }

  /** To be called when driving begins. */
  cancel(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}
