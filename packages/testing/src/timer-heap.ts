import type { ReadyEntry } from './virtual-clock.ts'

/** A timer of a virtual clock. */
export interface VirtualTimer {
  readonly due: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
  /** Its place in the ready list, once it fell due. */
  entry: ReadyEntry | undefined
}

const before = (a: VirtualTimer, b: VirtualTimer): boolean => a.due < b.due || (a.due === b.due && a.order < b.order)

/** Timers by due time, then by the order in which they were set. Cancelled ones leave when they reach the top. */
export class TimerHeap {
  readonly #timers: VirtualTimer[] = []

  push(timer: VirtualTimer): void {
    const timers = this.#timers
    let index = timers.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(timer, timers[parent] as VirtualTimer)) break
      timers[index] = timers[parent] as VirtualTimer
      index = parent
    }
    timers[index] = timer
  }

  /** The next timer that is not cancelled. */
  peek(): VirtualTimer | undefined {
    while (this.#timers[0]?.isCancelled) this.#pop()
    return this.#timers[0]
  }

  /** Takes the next timer out, if it is due at `now`. */
  takeDue(now: number): VirtualTimer | undefined {
    const next = this.peek()
    if (next === undefined || next.due > now) return undefined
    this.#pop()
    return next
  }

  #pop(): void {
    const timers = this.#timers
    const last = timers.pop() as VirtualTimer
    const size = timers.length
    if (size === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= size) break
      if (child + 1 < size && before(timers[child + 1] as VirtualTimer, timers[child] as VirtualTimer)) child++
      if (!before(timers[child] as VirtualTimer, last)) break
      timers[index] = timers[child] as VirtualTimer
      index = child
    }
    timers[index] = last
  }
}
