import { LevelTurns } from './level-turns.ts'
import { oldestOf } from './task-list.ts'
import type { TaskPack } from './task-pack.ts'
import type { Bucket, WaitClock } from './task-queue.ts'
import { inheritsPriority, type TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import { bestEffort, userBlocking, userVisible } from './traits.ts'
import { WaitingList } from './waiting-list.ts'

/** A queue that is shorter makes records at once: the pack would cost more than it spares. */
const longQueue = 1024

/** One list in posting order (S1), or one for each priority (P1). */
export class LevelBucket implements Bucket {
  size = 0
  readonly #lists: readonly WaitingList[]
  /** For the aging of single tasks in a parallel runner. */
  readonly #turns = new LevelTurns()

  constructor(isFifo: boolean) {
    this.#lists = Array.from({ length: isFifo ? 1 : 3 }, () => new WaitingList())
  }

  get available(): number {
    return this.size
  }

  push(record: TaskRecord, clock: WaitClock): void {
    const list = this.#listOf(record)
    if (this.#lists.length > 1 && list.head === undefined) this.#turns.note(record.level, clock.waitingSince)
    list.push(record)
    this.size++
  }

  packFor(runner: TaskRunner, level: number, traits: number, clock: WaitClock): TaskPack | undefined {
    const list = this.#lists[this.#lists.length === 1 ? 0 : level] as WaitingList
    if (this.size < longQueue && !list.hasPacks) return undefined
    const isFirst = this.#lists.length > 1 && list.head === undefined
    const pack = list.packFor(runner, traits)
    if (pack === undefined) return undefined
    if (isFirst) this.#turns.note(level, clock.waitingSince)
    this.size++
    return pack
  }

  unshift(record: TaskRecord): void {
    this.#listOf(record).unshift(record)
    this.size++
  }

  peek(now: number, agingMs: number, holdsBestEffort: boolean): TaskRecord | undefined {
    const lists = this.#lists
    if (lists.length === 1) return (lists[0] as WaitingList).head
    return lists[this.#turns.next(this, now, agingMs, holdsBestEffort)]?.head
  }

  waitsAt(level: number): boolean {
    return (this.#lists[level] as WaitingList).head !== undefined
  }

  offers(first: TaskRecord, most: number): readonly TaskRecord[] {
    if (this.#lists.length === 1) return [first]
    const offers: TaskRecord[] = []
    for (const record of this.#listOf(first)) {
      offers.push(record)
      if (offers.length >= most) break
    }
    return offers
  }

  take(record: TaskRecord, now: number): void {
    if (this.#lists.length > 1) this.#turns.note(record.level, now)
    this.remove(record)
  }

  remove(record: TaskRecord): void {
    this.#listOf(record).remove(record)
    this.size--
  }

  oldestBehind(starting: number): TaskRecord | undefined {
    let left = starting
    return oldestOf(this.#lists.toReversed(), () => left-- > 0)
  }

  get highestLevel(): number {
    if (this.#lists.length === 1) return this.#lists[0]?.head?.level ?? bestEffort
    return this.waitsAt(userBlocking) ? userBlocking : this.waitsAt(userVisible) ? userVisible : bestEffort
  }

  reprioritise(level: number): void {
    const records = [...this].sort((a, b) => a.order - b.order)
    for (const list of this.#lists) list.clear()
    for (const record of records) {
      if (record.has(inheritsPriority)) record.level = level
      this.#listOf(record).push(record)
    }
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (const list of this.#lists) yield* list
  }

  #listOf(record: TaskRecord): WaitingList {
    const lists = this.#lists
    return (lists.length === 1 ? lists[0] : lists[record.level]) as WaitingList
  }
}
