import type { TimerHandle } from '@posttask/core'

/** What `setTimeout` and `setInterval` give: enough of Node's and of a browser's. */
export class VirtualTimeout implements Disposable {
  readonly #id: number
  readonly #active: Map<number, VirtualTimeout>
  readonly #setTimer: (onDue: () => void) => TimerHandle
  readonly #onDue: () => void
  #timer: TimerHandle | undefined
  #hasRef = true
  #isClosed = false

  /** @param active where it is while its timer runs */
  constructor(
    id: number,
    active: Map<number, VirtualTimeout>,
    setTimer: (onDue: () => void) => TimerHandle,
    callback: () => void,
    repeats: boolean,
  ) {
    this.#id = id
    this.#active = active
    this.#setTimer = setTimer
    this.#onDue = () => {
      if (repeats) this.refresh()
      else active.delete(id)
      callback()
    }
    this.refresh()
  }

  ref(): this {
    this.#hasRef = true
    return this
  }

  unref(): this {
    this.#hasRef = false
    return this
  }

  hasRef(): boolean {
    return this.#hasRef
  }

  /** Starts anew, as Node's: one that has fired as well, one that was cleared not. */
  refresh(): this {
    if (this.#isClosed) return this
    this.#timer?.cancel()
    this.#timer = this.#setTimer(this.#onDue)
    this.#active.set(this.#id, this)
    return this
  }

  close(): this {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#active.delete(this.#id)
    return this
  }

  [Symbol.toPrimitive](): number {
    return this.#id
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
