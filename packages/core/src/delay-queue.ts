import { runNeutral } from './async-context.ts'
import type { Clock, TimerHandle } from './clock.ts'

/** Something that falls due. While it waits, `order` belongs to the queue. */
export interface DelayEntry {
  /** Entries that are due at the same time fall due by ascending id: in posting order (D1). */
  readonly id: number
  order: number
  onDue(): void
}

const arity = 4
const smallest = 64
/** Until something is delayed: an array of numbers costs a microsecond, a pool nothing else. */
const noDues = new Float64Array(0)

/**
 * What is due when, on one clock with one host timer: a 4-ary heap that knows each entry's place, so cancelling is
 * O(log n) and lets go of the entry at once. Due times lie in an array of their own, unboxed.
 */
export class DelayQueue {
  readonly #clock: Clock
  readonly #entries: DelayEntry[] = []
  #dues = noDues
  #timer: TimerHandle | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.length
  }

  /** The earliest due time, or undefined where nothing waits. */
  get nextDue(): number | undefined {
    return this.#entries.length === 0 ? undefined : this.#dues[0]
  }

  dueOf(entry: DelayEntry): number {
    return this.#dues[entry.order] as number
  }

  add(entry: DelayEntry, due: number): void {
    const index = this.#entries.length
    if (index === this.#dues.length) this.#resize(Math.max(smallest, index * 2))
    this.#entries.push(entry)
    this.#rise(index, entry, due)
    if (due < this.#armedFor) this.#arm(due)
  }

  remove(entry: DelayEntry): void {
    const index = entry.order
    const last = this.#entries.pop() as DelayEntry
    const size = this.#entries.length
    if (last !== entry) this.#replace(index, last, this.#dues[size] as number)
    if (size === 0) this.#disarm()
    // A driven clock must never be led to a time at which nothing is due; a host timer may wake up in vain.
    else if (index === 0 && this.#clock.nextPump !== undefined) this.#arm(this.#dues[0] as number)
    if (size < this.#dues.length / 4 && this.#dues.length > smallest) this.#resize(this.#dues.length / 2)
  }

  clear(): void {
    this.#entries.length = 0
    this.#disarm()
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    for (;;) {
      const entry = this.#entries[0]
      if (entry === undefined || (this.#dues[0] as number) > now) break
      this.remove(entry)
      entry.onDue()
    }
    // Host timers fire up to a millisecond early: what is not due yet is waited for again (D1).
    const due = this.nextDue
    if (due !== undefined && due < this.#armedFor) this.#arm(due)
  }

  #arm(due: number): void {
    this.#timer?.cancel()
    this.#armedFor = due
    runNeutral(() => {
      this.#timer = this.#clock.setTimer(Math.max(0, due - this.#clock.now()), this.#onTimer, { unref: true })
    })
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #resize(capacity: number): void {
    const dues = new Float64Array(capacity)
    dues.set(this.#dues.subarray(0, Math.min(capacity, this.#dues.length)))
    this.#dues = dues
  }

  #replace(index: number, entry: DelayEntry, due: number): void {
    if (this.#sink(index, entry, due) === index) this.#rise(index, entry, due)
  }

  #rise(from: number, entry: DelayEntry, due: number): number {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 2
      if (!this.#before(due, entry, parent)) break
      this.#move(parent, index)
      index = parent
    }
    return this.#place(index, entry, due)
  }

  #sink(from: number, entry: DelayEntry, due: number): number {
    const size = this.#entries.length
    let index = from
    for (;;) {
      const first = index * arity + 1
      if (first >= size) break
      const end = Math.min(first + arity, size)
      let least = first
      for (let child = first + 1; child < end; child++) {
        if (this.#before(this.#dues[child] as number, this.#entries[child] as DelayEntry, least)) least = child
      }
      if (this.#before(due, entry, least)) break
      this.#move(least, index)
      index = least
    }
    return this.#place(index, entry, due)
  }

  #before(due: number, entry: DelayEntry, index: number): boolean {
    const other = this.#dues[index] as number
    return due < other || (due === other && entry.id < (this.#entries[index] as DelayEntry).id)
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#entries[from] as DelayEntry, this.#dues[from] as number)
  }

  #place(index: number, entry: DelayEntry, due: number): number {
    this.#entries[index] = entry
    this.#dues[index] = due
    entry.order = index
    return index
  }
}
