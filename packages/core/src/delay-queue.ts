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
/** Until something is delayed: arrays of numbers cost a microsecond, a pool nothing else. */
const noDues = new Float64Array(0)
const noSlots = new Int32Array(0)

/**
 * What is due when, on one clock with one host timer: a 4-ary heap of due times and slots, which are numbers side by
 * side; an entry is touched when it comes, when it goes, and by others that are due at the same time. Cancelling is
 * O(1): it empties the slot and lets go of the entry. What is left of it in the heap goes when it is on top, or when
 * the empty slots are more than the others.
 */
export class DelayQueue {
  readonly #clock: Clock
  /** By slot. Undefined where the entry was removed. */
  #entries: (DelayEntry | undefined)[] = []
  /** By place in the heap. */
  #dues = noDues
  /** The slot of each place in the heap; behind the heap's end, the slots that are free. */
  #slots = noSlots
  #heapSize = 0
  #size = 0
  #timer: TimerHandle | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** The earliest due time, or undefined where nothing waits. */
  get nextDue(): number | undefined {
    return this.#size === 0 ? undefined : this.#dues[0]
  }

  add(entry: DelayEntry, due: number): void {
    const index = this.#heapSize++
    if (index === this.#dues.length) this.#grow(Math.max(smallest, index * 2))
    const slot = this.#slots[index] as number
    this.#entries[slot] = entry
    entry.order = slot
    this.#size++
    this.#rise(index, due, slot)
    if (due < this.#armedFor) this.#arm(due)
  }

  remove(entry: DelayEntry): void {
    if (this.#entries[entry.order] !== entry) return
    const first = this.nextDue
    this.#entries[entry.order] = undefined
    this.#size--
    if (this.#size < this.#heapSize / 2 && this.#heapSize > smallest) this.#compact()
    else while (this.#heapSize > 0 && this.#entries[this.#slots[0] as number] === undefined) this.#pop()
    if (this.#size === 0) this.#disarm()
    // A driven clock must never be led to a time at which nothing is due; a host timer may wake up in vain.
    else if (this.nextDue !== first && this.#clock.nextPump !== undefined) this.#arm(this.nextDue as number)
  }

  clear(): void {
    this.#entries = []
    this.#heapSize = this.#size = 0
    this.#dues = noDues
    this.#slots = noSlots
    this.#disarm()
  }

  readonly #onTimer = (): void => {
    this.#disarm()
    const now = this.#clock.now()
    // No more than there are: what falls due is put back by some at once, and where time stands still that never ends.
    for (let left = this.#size; left > 0 && this.#size > 0 && (this.#dues[0] as number) <= now; left--) {
      const entry = this.#entries[this.#slots[0] as number] as DelayEntry
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

  #grow(capacity: number): void {
    const dues = new Float64Array(capacity)
    const slots = new Int32Array(capacity)
    dues.set(this.#dues)
    slots.set(this.#slots)
    for (let slot = this.#slots.length; slot < capacity; slot++) slots[slot] = slot
    this.#dues = dues
    this.#slots = slots
  }

  /** Takes out what is on top; its slot is free. */
  #pop(): void {
    const slot = this.#slots[0] as number
    const last = --this.#heapSize
    this.#sink(0, this.#dues[last] as number, this.#slots[last] as number)
    this.#slots[last] = slot
  }

  /** Takes all empty slots out of the heap. */
  #compact(): void {
    const dues = this.#dues
    const slots = this.#slots
    let kept = 0
    for (let index = 0; index < this.#heapSize; index++) {
      const slot = slots[index] as number
      if (this.#entries[slot] === undefined) continue
      slots[index] = slots[kept] as number
      slots[kept] = slot
      dues[kept++] = dues[index] as number
    }
    this.#heapSize = kept
    for (let index = (kept - 2) >> 2; index >= 0; index--) this.#sink(index, dues[index] as number, slots[index] as number)
    if (kept < dues.length / 4 && dues.length > smallest) this.#shrink()
  }

  /** Half the room. The heap stays as it is; its slots are numbered anew. */
  #shrink(): void {
    const entries: DelayEntry[] = []
    for (const slot of this.#slots.subarray(0, this.#heapSize)) {
      const entry = this.#entries[slot] as DelayEntry
      entry.order = entries.length
      entries.push(entry)
    }
    this.#entries = entries
    const dues = this.#dues.slice(0, this.#dues.length / 2)
    this.#slots = Int32Array.from(dues, (_, slot) => slot)
    this.#dues = dues
  }

  #rise(from: number, due: number, slot: number): void {
    const dues = this.#dues
    const slots = this.#slots
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 2
      const parentDue = dues[parent] as number
      const parentSlot = slots[parent] as number
      if (parentDue < due || (parentDue === due && !this.#isOlder(slot, parentSlot))) break
      dues[index] = parentDue
      slots[index] = parentSlot
      index = parent
    }
    dues[index] = due
    slots[index] = slot
  }

  #sink(from: number, due: number, slot: number): void {
    const size = this.#heapSize
    const dues = this.#dues
    const slots = this.#slots
    let index = from
    for (;;) {
      const first = index * arity + 1
      if (first >= size) break
      const end = Math.min(first + arity, size)
      let least = first
      let leastDue = dues[first] as number
      for (let child = first + 1; child < end; child++) {
        const childDue = dues[child] as number
        if (childDue > leastDue || (childDue === leastDue && !this.#isOlder(slots[child] as number, slots[least] as number)))
          continue
        least = child
        leastDue = childDue
      }
      const leastSlot = slots[least] as number
      if (due < leastDue || (due === leastDue && this.#isOlder(slot, leastSlot))) break
      dues[index] = leastDue
      slots[index] = leastSlot
      index = least
    }
    dues[index] = due
    slots[index] = slot
  }

  /** Of two that are due at the same time. An empty slot may go at once. */
  #isOlder(slot: number, other: number): boolean {
    return (this.#entries[slot]?.id ?? 0) < (this.#entries[other]?.id ?? 0)
  }
}
