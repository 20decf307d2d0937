import { oldestOf, TaskList } from './task-list.ts'
import type { Bucket } from './task-queue.ts'
import { inheritsPriority, type TaskRecord } from './task-record.ts'
import { bestEffort, userBlocking } from './traits.ts'

/** One list in posting order (S1), or one for each priority (P1). */
export class LevelBucket implements Bucket {
  size = 0
  readonly #lists: readonly TaskList[]
  /** When the best of a level was last taken, for the aging of single tasks in a parallel runner (P4). */
  readonly #servedAt = [0, 0, 0]

  constructor(isFifo: boolean) {
    this.#lists = Array.from({ length: isFifo ? 1 : 3 }, () => new TaskList())
  }

  get available(): number {
    return this.size
  }

  push(record: TaskRecord, now: number): void {
    const list = this.#listOf(record)
    if (list.head === undefined && this.#lists.length > 1) this.#servedAt[record.level] = now
    list.push(record)
    this.size++
  }

  unshift(record: TaskRecord): void {
    this.#listOf(record).unshift(record)
    this.size++
  }

  peek(now: number, agingMs: number): TaskRecord | undefined {
    const lists = this.#lists
    if (lists.length === 1) return (lists[0] as TaskList).head
    let best: TaskRecord | undefined
    for (let level = userBlocking; level >= bestEffort; level--) {
      const { head } = lists[level] as TaskList
      // A level that was passed over for `agingMs` has its turn first (P4).
      if (head !== undefined && (best === undefined || now - (this.#servedAt[level] as number) >= agingMs)) best = head
    }
    return best
  }

  offers(first: TaskRecord, most: number): readonly TaskRecord[] {
    const offers = [first]
    if (this.#lists.length === 1) return offers
    for (let { next } = first; next !== undefined && offers.length < most; { next } = next) offers.push(next)
    return offers
  }

  take(record: TaskRecord, now: number): void {
    if (this.#lists.length > 1) this.#servedAt[record.level] = now
    this.remove(record)
  }

  remove(record: TaskRecord): void {
    this.#listOf(record).remove(record)
    this.size--
  }

  get oldest(): TaskRecord | undefined {
    return oldestOf(this.#lists)
  }

  reprioritise(level: number): void {
    const records = [...this].sort((a, b) => a.order - b.order)
    for (const list of this.#lists) list.head = list.tail = undefined
    for (const record of records) {
      record.next = record.prev = undefined
      if (record.has(inheritsPriority)) record.level = level
      this.#listOf(record).push(record)
    }
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (const list of this.#lists) yield* list
  }

  #listOf(record: TaskRecord): TaskList {
    const lists = this.#lists
    return (lists.length === 1 ? lists[0] : lists[record.level]) as TaskList
  }
}
