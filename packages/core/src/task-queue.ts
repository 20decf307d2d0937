import { TaskList } from './task-list.ts'
import { inheritsPriority, type TaskRecord } from './task-record.ts'
import { bestEffort, userBlocking, userVisible } from './traits.ts'

/** The tasks between two barriers: one list for a sequence, one for each priority for a parallel runner. */
class Segment {
  readonly lists: readonly TaskList[]
  /** The first order that belongs here. */
  readonly from: number
  size = 0
  next: Segment | undefined = undefined

  constructor(levels: number, from: number) {
    this.from = from
    this.lists = Array.from({ length: levels }, () => new TaskList())
  }
}

/**
 * What waits in a runner. Posting order where `isFifo` (S1), else priority and then posting order (P1). A barrier
 * splits it: nothing behind it is offered before everything ahead of it has settled. Every operation is O(1) but
 * for `reprioritise`.
 */
export class TaskQueue {
  readonly #levels: number
  /** When the best of this level was last taken, for the aging of single tasks in a parallel runner (P4). */
  readonly #servedAt = [0, 0, 0]
  #front: Segment
  #back: Segment
  /** How many of each priority wait, ahead of and behind barriers. */
  #counts = [0, 0, 0]

  constructor(isFifo: boolean) {
    this.#levels = isFifo ? 1 : 3
    this.#front = this.#back = new Segment(this.#levels, 0)
  }

  get size(): number {
    const counts = this.#counts
    return (counts[0] as number) + (counts[1] as number) + (counts[2] as number)
  }

  /** How many may be taken now, as far as the queue is concerned. */
  get available(): number {
    return this.#front.size
  }

  /** The highest priority of all that wait (P3); best-effort where nothing does. */
  get highestLevel(): number {
    const counts = this.#counts
    return counts[userBlocking] !== 0 ? userBlocking : counts[userVisible] !== 0 ? userVisible : bestEffort
  }

  push(record: TaskRecord, now: number): void {
    const { level } = record
    const back = this.#back
    const list = this.#listOf(back, level)
    if (list.head === undefined && this.#levels > 1) this.#servedAt[level] = now
    list.push(record)
    back.size++
    ;(this.#counts[level] as number)++
  }

  /** Puts a task ahead of all others of its priority. */
  unshift(record: TaskRecord): void {
    this.#listOf(this.#front, record.level).unshift(record)
    this.#front.size++
    ;(this.#counts[record.level] as number)++
  }

  /** Everything pushed from here on, orders from `from` on, lies behind a barrier. */
  split(from: number): void {
    const segment = new Segment(this.#levels, from)
    this.#back.next = segment
    this.#back = segment
  }

  /** To be called when nothing of the runner runs: what lies behind the next barrier comes into reach. */
  advance(): void {
    while (this.#front.size === 0 && this.#front.next !== undefined) this.#front = this.#front.next
  }

  /** The task that `take` would give. A level that was passed over for `agingMs` has its turn first (P4). */
  peek(now: number, agingMs: number): TaskRecord | undefined {
    const { lists } = this.#front
    if (this.#levels === 1) return (lists[0] as TaskList).head
    let best: TaskRecord | undefined
    for (let level = userBlocking; level >= bestEffort; level--) {
      const { head } = lists[level] as TaskList
      if (head === undefined) continue
      if (best === undefined || now - (this.#servedAt[level] as number) >= agingMs) best = head
    }
    return best
  }

  /** Takes out what `peek` gave. */
  take(record: TaskRecord, now: number): void {
    const front = this.#front
    const { level } = record
    if (this.#levels > 1) this.#servedAt[level] = now
    this.#listOf(front, level).remove(record)
    front.size--
    ;(this.#counts[level] as number)--
  }

  /** Takes out any record that waits. */
  remove(record: TaskRecord): void {
    const segment = this.#segmentOf(record)
    this.#listOf(segment, record.level).remove(record)
    segment.size--
    ;(this.#counts[record.level] as number)--
  }

  /** The one that waits longest. */
  get oldest(): TaskRecord | undefined {
    let oldest: TaskRecord | undefined
    for (const { head } of this.#front.lists) {
      if (head !== undefined && (oldest === undefined || head.order < oldest.order)) oldest = head
    }
    return oldest
  }

  /** Records that follow their runner's priority move to `level`, and keep their place by posting order. O(n). */
  reprioritise(level: number): void {
    this.#counts = [0, 0, 0]
    for (let segment: Segment | undefined = this.#front; segment !== undefined; segment = segment.next) {
      const records = segment.lists.flatMap((list) => [...list]).sort((a, b) => a.order - b.order)
      for (const list of segment.lists) list.head = list.tail = undefined
      for (const record of records) {
        record.next = record.prev = undefined
        if (record.has(inheritsPriority)) record.level = level
        this.#listOf(segment, record.level).push(record)
        ;(this.#counts[record.level] as number)++
      }
    }
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (let segment: Segment | undefined = this.#front; segment !== undefined; segment = segment.next) {
      for (const list of segment.lists) yield* list
    }
  }

  #listOf(segment: Segment, level: number): TaskList {
    return segment.lists[this.#levels === 1 ? 0 : level] as TaskList
  }

  /** Barriers are few; without any there is one segment. */
  #segmentOf(record: TaskRecord): Segment {
    let segment = this.#front
    for (let next = segment.next; next !== undefined; next = next.next) {
      if (next.from > record.order) break
      segment = next
    }
    return segment
  }
}
