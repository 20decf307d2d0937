import { LevelTurns } from './level-turns.ts'
import { oldestOf, TaskList } from './task-list.ts'
import type { Bucket, WaitClock } from './task-queue.ts'
import { inheritsPriority, type TaskRecord } from './task-record.ts'
import { bestEffort, userBlocking, userVisible } from './traits.ts'

/** What waits and runs for one key. */
class KeySequence {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: KeySequence = /* @__PURE__ */ new KeySequence()

  readonly tasks = new TaskList()
  /** How many of each priority wait. */
  readonly counts = [0, 0, 0]
  /** A task of this key runs: the next one waits for it (S2). */
  isBusy = false
  /** Where its turn is kept, while it may start something. */
  turns: Turns | undefined
  nextTurn: KeySequence | undefined
  prevTurn: KeySequence | undefined

  /** An urgent task pulls those ahead of it along (P3). */
  get level(): number {
    return this.counts[userBlocking] !== 0 ? userBlocking : this.counts[userVisible] !== 0 ? userVisible : bestEffort
  }
}

/** Sequences in turn: a list through them. The front of a large `Set` is slow to find while its front is taken out. */
class Turns {
  size = 0
  first: KeySequence | undefined
  #last: KeySequence | undefined

  add(sequence: KeySequence): void {
    const last = this.#last
    sequence.prevTurn = last
    if (last === undefined) this.first = sequence
    else last.nextTurn = sequence
    this.#last = sequence
    this.size++
  }

  delete(sequence: KeySequence): void {
    const { nextTurn, prevTurn } = sequence
    if (prevTurn === undefined) this.first = nextTurn
    else prevTurn.nextTurn = nextTurn
    if (nextTurn === undefined) this.#last = prevTurn
    else nextTurn.prevTurn = prevTurn
    sequence.nextTurn = sequence.prevTurn = undefined
    this.size--
  }
}

/**
 * A sequence for each key, one priority for each sequence: offers the first task of every key of which none runs. A
 * key at rest is in no table, so it costs nothing.
 */
export class KeyedBucket implements Bucket {
  size = 0
  readonly #sequences = new Map<unknown, KeySequence>()
  /** Those that may start something, by priority, in turn. */
  readonly #turns: readonly Turns[] = [new Turns(), new Turns(), new Turns()]
  readonly #levels = new LevelTurns()
  /** Of the pool; known from the first push on. */
  #clock: WaitClock | undefined

  get available(): number {
    return this.#turns.reduce((sum, turns) => sum + turns.size, 0)
  }

  push(record: TaskRecord, clock: WaitClock): void {
    this.#clock = clock
    const sequence = this.#sequenceOf(record)
    sequence.tasks.push(record)
    this.#count(sequence, record, 1)
  }

  unshift(record: TaskRecord): void {
    const sequence = this.#sequenceOf(record)
    sequence.tasks.unshift(record)
    this.#count(sequence, record, 1)
  }

  peek(now: number, agingMs: number, holdsBestEffort: boolean): TaskRecord | undefined {
    return this.#turns[this.#levels.next(this, now, agingMs, holdsBestEffort)]?.first?.tasks.head
  }

  waitsAt(level: number): boolean {
    return this.#turns[level]?.first !== undefined
  }

  levelOf(record: TaskRecord): number {
    return Math.max(record.level, this.#sequences.get(record.extras?.key)?.level ?? bestEffort)
  }

  offers(first: TaskRecord, most: number): readonly TaskRecord[] {
    const offers: TaskRecord[] = []
    let sequence: KeySequence | undefined = this.#sequenceOf(first)
    for (; sequence !== undefined && offers.length < most; sequence = sequence.nextTurn)
      offers.push(sequence.tasks.head as TaskRecord)
    return offers
  }

  take(record: TaskRecord, now: number): void {
    const sequence = this.#sequenceOf(record)
    this.#levels.note(sequence.level, now)
    sequence.isBusy = true
    this.remove(record)
  }

  remove(record: TaskRecord): void {
    const sequence = this.#sequenceOf(record)
    sequence.tasks.remove(record)
    this.#count(sequence, record, -1)
  }

  /** A task that was taken has ended: the next one of its key may start. */
  ended(record: TaskRecord): void {
    const sequence = this.#sequenceOf(record)
    sequence.isBusy = false
    this.#place(record.extras?.key, sequence)
  }

  /** O(keys): only a bounded queue that drops its oldest asks. */
  oldestBehind(starting: number): TaskRecord | undefined {
    const first = new Set<TaskRecord>()
    for (const { first: front } of this.#turns.toReversed()) {
      for (let at = front; at !== undefined && first.size < starting; at = at.nextTurn) first.add(at.tasks.head as TaskRecord)
    }
    const lists = [...this.#sequences.values()].map(({ tasks }) => tasks)
    return oldestOf(lists, (record) => first.has(record))
  }

  get highestLevel(): number {
    return this.waitsAt(userBlocking) ? userBlocking : this.waitsAt(userVisible) ? userVisible : bestEffort
  }

  reprioritise(level: number): void {
    for (const [key, sequence] of this.#sequences) {
      for (const record of sequence.tasks) {
        if (!record.has(inheritsPriority)) continue
        sequence.counts[record.level]!--
        record.level = level
        sequence.counts[level]!++
      }
      this.#place(key, sequence)
    }
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (const { tasks } of this.#sequences.values()) yield* tasks
  }

  #sequenceOf(record: TaskRecord): KeySequence {
    const key = record.extras?.key
    let sequence = this.#sequences.get(key)
    if (sequence === undefined) this.#sequences.set(key, (sequence = new KeySequence()))
    return sequence
  }

  #count(sequence: KeySequence, record: TaskRecord, by: 1 | -1): void {
    this.size += by
    ;(sequence.counts[record.level] as number) += by
    this.#place(record.extras?.key, sequence)
  }

  /** Gives the sequence its turn at its priority, takes it, or forgets the key. */
  #place(key: unknown, sequence: KeySequence): void {
    const mayStart = !sequence.isBusy && sequence.tasks.head !== undefined
    const turns = mayStart ? this.#turns[sequence.level] : undefined
    if (turns !== sequence.turns) {
      sequence.turns?.delete(sequence)
      if (turns?.size === 0) this.#levels.note(sequence.level, this.#clock?.waitingSince ?? 0)
      turns?.add(sequence)
      sequence.turns = turns
    }
    if (!sequence.isBusy && sequence.tasks.head === undefined) this.#sequences.delete(key)
  }
}
