import { type ReadyEntry, ReadyList } from './ready-list.ts'
import { bestEffort, userBlocking } from './traits.ts'

const levels = (): readonly ReadyList[] => [new ReadyList(0), new ReadyList(1), new ReadyList(2)]

/**
 * Who goes next: ready entries by effective priority, equal ones in turn (P2, S5), with aging (P4). Joining, leaving
 * and picking are O(1).
 */
export class ReadyQueue {
  readonly #agingMs: number
  /** Those that need a slot of the executor, and those with a thread of their own. */
  readonly #shared = levels()
  readonly #dedicated = levels()
  /** Best-effort ones that wait for a best-effort slot (P5). */
  readonly #parked = new ReadyList(bestEffort)
  /** Where only one is ready, the usual case, it is here and in no list. Its `list` tells the level all the same. */
  #only: ReadyEntry | undefined
  #size = 0
  #turn = 0
  #nextAging = Number.POSITIVE_INFINITY

  constructor(agingMs: number) {
    this.#agingMs = agingMs
  }

  /** How many are ready, those that wait for a best-effort slot not counted. */
  get size(): number {
    return this.#size
  }

  /** Puts an entry at the tail of its level, or moves it there where its level has changed. */
  join(entry: ReadyEntry, now: number): void {
    const level = Math.min(userBlocking, entry.level + entry.boost)
    const list = (entry.isDedicated ? this.#dedicated : this.#shared)[level] as ReadyList
    if (entry.list === list) return
    if (entry.list === undefined) entry.readySince = now
    else this.leave(entry)
    entry.turn = ++this.#turn
    if (this.#size++ === 0) {
      this.#only = entry
      entry.list = list
      return
    }
    const only = this.#only
    if (only !== undefined) {
      this.#only = undefined
      this.#append(only, only.list as ReadyList)
    }
    this.#append(entry, list)
  }

  #append(entry: ReadyEntry, list: ReadyList): void {
    list.push(entry)
    const agesAt = entry.readySince + this.#agingMs
    if (agesAt < this.#nextAging && list.level < userBlocking) this.#nextAging = agesAt
  }

  leave(entry: ReadyEntry): void {
    const { list } = entry
    if (list === undefined) return
    if (list !== this.#parked) this.#size--
    if (entry === this.#only) this.#only = entry.list = undefined
    else list.remove(entry)
  }

  park(entry: ReadyEntry): void {
    this.leave(entry)
    entry.boost = 0
    this.#parked.push(entry)
  }

  get hasParked(): boolean {
    return this.#parked.head !== undefined
  }

  /** A best-effort slot is free for one of them. */
  unpark(now: number): void {
    const { head } = this.#parked
    if (head !== undefined) this.join(head, now)
  }

  unparkAll(now: number): void {
    while (this.#parked.head !== undefined) this.join(this.#parked.head, now)
  }

  /** The next one. Without a free slot only those with a thread of their own are asked. */
  first(slotIsFree: boolean): ReadyEntry | undefined {
    if (this.#size === 0) return undefined
    if (this.#only !== undefined) return slotIsFree || this.#only.isDedicated ? this.#only : undefined
    for (let level = userBlocking; level >= bestEffort; level--) {
      const shared = slotIsFree ? (this.#shared[level] as ReadyList).head : undefined
      const dedicated = (this.#dedicated[level] as ReadyList).head
      if (shared === undefined) {
        if (dedicated !== undefined) return dedicated
      } else if (dedicated === undefined || shared.turn < dedicated.turn) {
        return shared
      } else {
        return dedicated
      }
    }
    return undefined
  }

  /** Who may go on although nothing new may start. O(n): only while a fence is up. */
  firstResumption(slotIsFree: boolean): ReadyEntry | undefined {
    const mayGoOn = (entry: ReadyEntry): boolean => entry.isResumption && (slotIsFree || entry.isDedicated)
    if (this.#only !== undefined) return mayGoOn(this.#only) ? this.#only : undefined
    for (const list of [...this.#shared, ...this.#dedicated].reverse()) {
      for (let entry = list.head; entry !== undefined; entry = entry.nextReady) if (mayGoOn(entry)) return entry
    }
    return undefined
  }

  /** All that could be first now, in turn: those of the highest level that has any. */
  candidates(slotIsFree: boolean): ReadyEntry[] {
    const first = this.first(slotIsFree)
    if (first?.list === undefined) return []
    if (first === this.#only) return [first]
    const { level } = first.list
    const entries: ReadyEntry[] = []
    for (const list of slotIsFree ? [this.#shared[level], this.#dedicated[level]] : [this.#dedicated[level]]) {
      for (let entry = list?.head; entry !== undefined; entry = entry.nextReady) entries.push(entry)
    }
    return entries.sort((a, b) => a.turn - b.turn)
  }

  /** Lifts whoever has waited `agingMs` by one level (P4). */
  age(now: number): void {
    if (now < this.#nextAging) return
    this.#nextAging = Number.POSITIVE_INFINITY
    // From above, so that nobody rises twice for one wait.
    for (let level = userBlocking - 1; level >= bestEffort; level--) {
      for (const lists of [this.#shared, this.#dedicated]) {
        let entry = (lists[level] as ReadyList).head
        while (entry !== undefined) {
          const { nextReady } = entry
          if (now - entry.readySince >= this.#agingMs) {
            entry.boost++
            entry.readySince = now
            this.join(entry, now)
          } else {
            this.#nextAging = Math.min(this.#nextAging, entry.readySince + this.#agingMs)
          }
          entry = nextReady
        }
      }
    }
  }
}
