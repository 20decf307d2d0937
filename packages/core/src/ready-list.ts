import type { Need } from './need.ts'
import type { TaskRecord } from './task-record.ts'

/** What may start something: a runner with a task and a place for it, or a task that goes on after a `yield`. */
export abstract class ReadyEntry {
  /** @internal */
  list: ReadyList | undefined = undefined
  /** @internal */
  nextReady: ReadyEntry | undefined = undefined
  /** @internal */
  prevReady: ReadyEntry | undefined = undefined
  /** @internal Since when it has waited, for aging (P4); not a number until the pump looks at the clock. */
  readySince: number = Number.NaN
  /** @internal Decides between equals of two lists: who came first. */
  turn = 0
  /** @internal Levels gained by aging since it was last served (P4). */
  lift = 0

  /** @internal Goes on with what was started already: no fence holds it. */
  readonly isResumption: boolean = false

  /** @internal Runs on a thread of its own: needs no slot of the executor. */
  abstract readonly isDedicated: boolean
  /** @internal The effective priority (P3), aging not included. */
  abstract readonly level: number
  /** @internal All that it could start is best-effort: `maxBestEffort` and the best-effort fence hold it (P5). */
  abstract readonly isBestEffort: boolean
  /** @internal Starts one thing; `record` where a test chose among the offers. */
  abstract start(record?: TaskRecord): void
  /** @internal What `start` could start next, at most `free` of them: for a test that explores schedules. */
  abstract offers(free: number): readonly TaskRecord[]
}

/** A doubly linked list through its entries, in their turns. An entry is in one list at the most. */
export class ReadyList {
  readonly level: number
  readonly need: Need
  head: ReadyEntry | undefined = undefined
  tail: ReadyEntry | undefined = undefined

  constructor(level: number, need: Need) {
    this.level = level
    this.need = need
  }

  /** Gives an entry its place by its turn, which is the tail unless it came from another list. */
  insert(entry: ReadyEntry): void {
    let prev = this.tail
    while (prev !== undefined && prev.turn > entry.turn) prev = prev.prevReady
    const next = prev === undefined ? this.head : prev.nextReady
    entry.list = this
    entry.prevReady = prev
    entry.nextReady = next
    if (prev === undefined) this.head = entry
    else prev.nextReady = entry
    if (next === undefined) this.tail = entry
    else next.prevReady = entry
  }

  remove(entry: ReadyEntry): void {
    const { nextReady, prevReady } = entry
    if (prevReady === undefined) this.head = nextReady
    else prevReady.nextReady = nextReady
    if (nextReady === undefined) this.tail = prevReady
    else nextReady.prevReady = prevReady
    entry.list = entry.nextReady = entry.prevReady = undefined
  }

  *[Symbol.iterator](): Generator<ReadyEntry, void> {
    for (let entry = this.head; entry !== undefined; entry = entry.nextReady) yield entry
  }
}
