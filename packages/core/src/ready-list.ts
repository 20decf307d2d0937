import type { TaskRecord } from './task-record.ts'

/** What may start something: a runner with a task and a place for it, or a task that goes on after a `yield`. */
export abstract class ReadyEntry {
  /** @internal */
  list: ReadyList | undefined = undefined
  /** @internal */
  nextReady: ReadyEntry | undefined = undefined
  /** @internal */
  prevReady: ReadyEntry | undefined = undefined
  /** @internal Since when it has waited, for aging (P4). */
  readySince = 0
  /** @internal Decides between equals of two lists: who came first. */
  turn = 0
  /** @internal Levels gained by aging since it was last served (P4). */
  boost = 0

  /** @internal Goes on with what was started already: no fence holds it. */
  readonly isResumption: boolean = false

  /** @internal Runs on a thread of its own: needs no slot of the executor. */
  abstract readonly isDedicated: boolean
  /** @internal The effective priority (P3), aging not included. */
  abstract readonly level: number
  /** @internal The priority of what would start, as `maxBestEffort` counts it (P5). */
  abstract readonly startLevel: number
  /** @internal Starts one thing; `record` where a test chose among the offers. */
  abstract start(record?: TaskRecord): void
  /** @internal What `start` could start next, at most `free` of them: for a test that explores schedules. */
  abstract offers(free: number): readonly TaskRecord[]
}

/** A doubly linked list through its entries. An entry is in one list at the most. */
export class ReadyList {
  readonly level: number
  head: ReadyEntry | undefined = undefined
  tail: ReadyEntry | undefined = undefined

  constructor(level: number) {
    this.level = level
  }

  push(entry: ReadyEntry): void {
    const { tail } = this
    entry.list = this
    entry.prevReady = tail
    if (tail === undefined) this.head = entry
    else tail.nextReady = entry
    this.tail = entry
  }

  remove(entry: ReadyEntry): void {
    const { nextReady, prevReady } = entry
    if (prevReady === undefined) this.head = nextReady
    else prevReady.nextReady = nextReady
    if (nextReady === undefined) this.tail = prevReady
    else nextReady.prevReady = prevReady
    entry.list = entry.nextReady = entry.prevReady = undefined
  }
}
