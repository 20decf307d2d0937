import { liftOf } from './aging.ts'
import {
  type Available,
  canMeet,
  type Need,
  needs,
  needsBestEffortSlot,
  needsSlot,
  needsThread,
  needsThreadForBestEffort,
} from './need.ts'
import { type ReadyEntry, ReadyList } from './ready-list.ts'
import { bestEffort, userBlocking } from './traits.ts'

const needOf = (entry: ReadyEntry): Need => {
  if (entry.isBestEffort) return entry.isDedicated ? needsThreadForBestEffort : needsBestEffortSlot
  return entry.isDedicated ? needsThread : needsSlot
}

/**
 * Who goes next: ready entries by effective priority, equal ones in turn (P2, S5), with aging (P4). Joining, leaving
 * and picking are O(1).
 */
export class ReadyQueue {
  readonly #agingMs: number
  /** By need, then by level. */
  readonly #lists: readonly (readonly ReadyList[])[] = needs.map((need) => [0, 1, 2].map((level) => new ReadyList(level, need)))
  /** Where only one is ready, the usual case, it is here and in no list. Its `list` says its level all the same. */
  #only: ReadyEntry | undefined
  #size = 0
  #resumptions = 0
  #turn = 0
  /** Those that joined since the last look at the clock. */
  #joined: ReadyEntry[] = []
  #nextAging = Number.POSITIVE_INFINITY

  constructor(agingMs: number) {
    this.#agingMs = agingMs
  }

  /** How many are ready. */
  get size(): number {
    return this.#size
  }

  /** Puts an entry at the tail of its level. One that is in a list moves: to another tail, unless only its need has changed. */
  join(entry: ReadyEntry): void {
    const list = this.#listFor(entry)
    if (entry.list === list) return
    if (entry.list === undefined) {
      entry.readySince = Number.NaN
      this.#joined.push(entry)
    }
    if (entry.list?.level !== list.level) entry.turn = ++this.#turn
    this.leave(entry)
    if (entry.isResumption) this.#resumptions++
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

  leave(entry: ReadyEntry): void {
    const { list } = entry
    if (list === undefined) return
    if (entry.isResumption) this.#resumptions--
    if (entry === this.#only) this.#only = entry.list = undefined
    else list.remove(entry)
    if (--this.#size === 0) this.#joined.length = 0
  }

  /** The next one of those whose need can be met. */
  first(available: Available): ReadyEntry | undefined {
    if (this.#size === 0) return undefined
    const only = this.#only
    if (only !== undefined) return canMeet(available, (only.list as ReadyList).need) ? only : undefined
    for (let level = userBlocking; level >= bestEffort; level--) {
      let first: ReadyEntry | undefined
      for (const need of needs) {
        if (!canMeet(available, need)) continue
        const { head } = this.#at(need, level)
        if (head !== undefined && (first === undefined || head.turn < first.turn)) first = head
      }
      if (first !== undefined) return first
    }
    return undefined
  }

  /** The next task that goes on after a `yield`. O(n) if there is one: only a fence makes the pump ask. */
  firstResumption(available: Available): ReadyEntry | undefined {
    if (this.#resumptions === 0) return undefined
    let first: ReadyEntry | undefined
    for (const entry of this.#entries()) {
      if (entry.isResumption && canMeet(available, (entry.list as ReadyList).need)) first = firstOf(first, entry)
    }
    return first
  }

  /** All that could be first now, in turn: those of the highest level that has any. */
  candidates(available: Available): ReadyEntry[] {
    const first = this.first(available)
    if (first?.list === undefined) return []
    const { level } = first.list
    return [...this.#entries()]
      .filter(({ list }) => list?.level === level && canMeet(available, list.need))
      .sort((a, b) => a.turn - b.turn)
  }

  /**
   * A look at the clock. What joined since the last one has waited from now on: at most a slice too short, where the time
   * of each post would cost a look of its own.
   */
  note(now: number): void {
    for (const entry of this.#joined) {
      if (entry.list === undefined || !Number.isNaN(entry.readySince)) continue
      entry.readySince = now
      if (entry !== this.#only) this.#noteAging(entry)
    }
    this.#joined.length = 0
    if (now >= this.#nextAging) this.#age(now)
  }

  /** True if some entry has not been seen by `note`. */
  get hasJoined(): boolean {
    return this.#joined.length > 0
  }

  *#entries(): Generator<ReadyEntry, void> {
    if (this.#only !== undefined) yield this.#only
    for (const lists of this.#lists) for (const list of lists) yield* list
  }

  #at(need: Need, level: number): ReadyList {
    return (this.#lists[need] as readonly ReadyList[])[level] as ReadyList
  }

  #listFor(entry: ReadyEntry): ReadyList {
    return this.#at(needOf(entry), Math.min(userBlocking, entry.level + entry.lift))
  }

  #append(entry: ReadyEntry, list: ReadyList): void {
    list.insert(entry)
    this.#noteAging(entry)
  }

  #noteAging({ list, readySince, lift }: ReadyEntry): void {
    if (list === undefined || list.level === userBlocking) return
    const agesAt = readySince + this.#agingMs * (lift + 1)
    if (agesAt < this.#nextAging) this.#nextAging = agesAt
  }

  /** Lifts each by one level for each `agingMs` that it has waited (P4). */
  #age(now: number): void {
    this.#nextAging = Number.POSITIVE_INFINITY
    // From above, so that what is lifted together stays in its order.
    for (let level = userBlocking - 1; level >= bestEffort; level--) {
      for (const need of needs) {
        for (const entry of [...this.#at(need, level)]) {
          const lift = liftOf(now - entry.readySince, this.#agingMs)
          if (lift > entry.lift) {
            entry.lift = lift
            this.join(entry)
          }
          this.#noteAging(entry)
        }
      }
    }
  }
}

/** Which of two goes first. */
export const firstOf = (one: ReadyEntry | undefined, other: ReadyEntry | undefined): ReadyEntry | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  const lead = (one.list as ReadyList).level - (other.list as ReadyList).level
  return lead > 0 || (lead === 0 && one.turn < other.turn) ? one : other
}
