import type { TimerHandle } from '@posttask/core'
import type { VirtualClock } from './virtual-clock.ts'

/** What `setTimeout` and `setInterval` give: enough of Node's and of a browser's. */
export class VirtualTimeout implements Disposable {
  /** When it fires next. */
  due = 0
  readonly repeats: boolean
  readonly #id: number
  readonly #active: Map<number, VirtualTimeout>
  readonly #clock: VirtualClock
  readonly #delay: number
  readonly #onDue: () => void
  #timer: TimerHandle | undefined
  #hasRef = true
  #isClosed = false

  /** @param active where it is while its timer runs */
  constructor(
    id: number,
    active: Map<number, VirtualTimeout>,
    clock: VirtualClock,
    delay: number,
    callback: () => void,
    repeats: boolean,
  ) {
    this.#id = id
    this.#active = active
    this.#clock = clock
    this.#delay = delay
    this.repeats = repeats
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
    this.due = this.#clock.now() + this.#delay
    this.#timer = this.#clock.setTimer(this.#delay, this.#onDue)
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
