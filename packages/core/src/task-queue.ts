import type { TaskPack } from './task-pack.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import { bestEffort, userBlocking, userVisible } from './traits.ts'

/** Says since when a task that joins has waited. To ask may cost a look at the clock. */
export interface WaitClock {
  readonly waitingSince: number
}

/** The tasks between two barriers, and the order in which they may start. */
export interface Bucket extends Iterable<TaskRecord> {
  readonly size: number
  /** How many may start, as far as order is concerned. */
  readonly available: number
  push(record: TaskRecord, clock: WaitClock): void
  /** Where one more function may wait as such, the pack that takes it: it counts from now on. */
  packFor?(runner: TaskRunner, level: number, traits: number, clock: WaitClock): TaskPack | undefined
  /** Ahead of all others of its priority. */
  unshift(record: TaskRecord): void
  /** The task that starts next. With `holdsBestEffort` a best-effort one only where nothing else waits. */
  peek(now: number, agingMs: number, holdsBestEffort: boolean): TaskRecord | undefined
  /** At which level `record` starts; default: its own (P3). */
  levelOf?(record: TaskRecord): number
  /** What could start next, `first` first, where several slots are free. */
  offers(first: TaskRecord, most: number): readonly TaskRecord[]
  /** Takes out a task that starts. */
  take(record: TaskRecord, now: number): void
  /** Takes out a task that will not. */
  remove(record: TaskRecord): void
  /** The one that waits longest behind the `starting` ones that start next; barriers and ticks do not count. */
  oldestBehind(starting: number): TaskRecord | undefined
  /** The highest priority of all that could start. */
  readonly highestLevel: number
  /** A task that was taken has ended. */
  ended?(record: TaskRecord): void
  /** Records that follow their runner's priority move to `level`, and keep their place by posting order. O(n). */
  reprioritise(level: number): void
}

interface Segment {
  readonly tasks: Bucket
  /** The first order that belongs here. */
  readonly from: number
  next: Segment | undefined
}

/**
 * What waits in a runner. A barrier splits it: nothing behind it is offered before everything ahead of it has
 * settled. Every operation is O(1) but for `reprioritise`.
 */
export class TaskQueue {
  readonly #makeBucket: () => Bucket
  #front: Segment
  #back: Segment
  /** How many of each priority wait, ahead of and behind barriers. */
  #counts = [0, 0, 0]

  constructor(makeBucket: () => Bucket) {
    this.#makeBucket = makeBucket
    this.#front = this.#back = { tasks: makeBucket(), from: Number.NEGATIVE_INFINITY, next: undefined }
  }

  get size(): number {
    const counts = this.#counts
    return (counts[0] as number) + (counts[1] as number) + (counts[2] as number)
  }

  /** How many may be taken now, as far as the queue is concerned. */
  get available(): number {
    return this.#front.tasks.available
  }

  /** The highest priority of all that wait (P3); best-effort where nothing does. */
  get highestLevel(): number {
    const counts = this.#counts
    return counts[userBlocking] !== 0 ? userBlocking : counts[userVisible] !== 0 ? userVisible : bestEffort
  }

  push(record: TaskRecord, clock: WaitClock): void {
    this.#back.tasks.push(record, clock)
    this.#counts[record.level]!++
  }

  packFor(runner: TaskRunner, level: number, traits: number, clock: WaitClock): TaskPack | undefined {
    const pack = this.#back.tasks.packFor?.(runner, level, traits, clock)
    if (pack !== undefined) this.#counts[level]!++
    return pack
  }

  unshift(record: TaskRecord): void {
    this.#front.tasks.unshift(record)
    this.#counts[record.level]!++
  }

  /** Everything pushed from here on, orders from `from` on, lies behind a barrier. */
  split(from: number): void {
    const segment: Segment = { tasks: this.#makeBucket(), from, next: undefined }
    this.#back.next = segment
    this.#back = segment
  }

  /** To be called when nothing of the runner runs: what lies behind the next barrier comes into reach. */
  advance(): void {
    while (this.#front.tasks.size === 0 && this.#front.next !== undefined) this.#front = this.#front.next
  }

  peek(now: number, agingMs: number, holdsBestEffort: boolean): TaskRecord | undefined {
    return this.#front.tasks.peek(now, agingMs, holdsBestEffort)
  }

  levelOf(record: TaskRecord): number {
    return this.#front.tasks.levelOf?.(record) ?? record.level
  }

  offers(first: TaskRecord, most: number): readonly TaskRecord[] {
    return this.#front.tasks.offers(first, most)
  }

  /** Takes out what `peek` gave. */
  take(record: TaskRecord, now: number): void {
    this.#front.tasks.take(record, now)
    this.#counts[record.level]!--
  }

  /** What was taken has ended. */
  ended(record: TaskRecord): void {
    this.#front.tasks.ended?.(record)
  }

  /** Takes out any record that waits. */
  remove(record: TaskRecord): void {
    this.#segmentOf(record).tasks.remove(record)
    this.#counts[record.level]!--
  }

  /** The highest priority of what could start, however much of it has to wait for a barrier. */
  get highestToStart(): number {
    return this.#front.tasks.highestLevel
  }

  get oldest(): TaskRecord | undefined {
    return this.oldestBehind(0)
  }

  /** The one that waits longest, of those that may start before others; `starting` ones start next, and do not wait. */
  oldestBehind(starting: number): TaskRecord | undefined {
    for (let segment: Segment | undefined = this.#front; segment !== undefined; segment = segment.next) {
      const oldest = segment.tasks.oldestBehind(segment === this.#front ? starting : 0)
      if (oldest !== undefined) return oldest
    }
    return undefined
  }

  reprioritise(level: number): void {
    this.#counts = [0, 0, 0]
    for (let segment: Segment | undefined = this.#front; segment !== undefined; segment = segment.next) {
      segment.tasks.reprioritise(level)
    }
    for (const record of this) this.#counts[record.level]!++
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (let segment: Segment | undefined = this.#front; segment !== undefined; segment = segment.next) yield* segment.tasks
  }

  /** Barriers are few; without any there is one segment. */
  #segmentOf(record: TaskRecord): Segment {
    let segment = this.#front
    for (let { next } = segment; next !== undefined && next.from <= record.order; { next } = segment) segment = next
    return segment
  }
}
