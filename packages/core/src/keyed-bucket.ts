import { oldestOf, TaskList } from './task-list.ts'
import type { Bucket } from './task-queue.ts'
import { inheritsPriority, type TaskRecord } from './task-record.ts'
import { bestEffort, userBlocking, userVisible } from './traits.ts'

/** What waits and runs for one key. */
class KeySequence {
  readonly tasks = new TaskList()
  /** How many of each priority wait. */
  readonly counts = [0, 0, 0]
  /** A task of this key runs: the next one waits for it (S2). */
  isBusy = false
  /** Where its turn is kept, while it may start something. */
  turns: Set<KeySequence> | undefined

  /** An urgent task pulls those ahead of it along (P3). */
  get level(): number {
    return this.counts[userBlocking] !== 0 ? userBlocking : this.counts[userVisible] !== 0 ? userVisible : bestEffort
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
  readonly #turns: readonly Set<KeySequence>[] = [new Set(), new Set(), new Set()]

  get available(): number {
    return this.#turns.reduce((sum, turns) => sum + turns.size, 0)
  }

  push(record: TaskRecord): void {
    const sequence = this.#sequenceOf(record)
    sequence.tasks.push(record)
    this.#count(sequence, record, 1)
  }

  unshift(record: TaskRecord): void {
    const sequence = this.#sequenceOf(record)
    sequence.tasks.unshift(record)
    this.#count(sequence, record, 1)
  }

  peek(): TaskRecord | undefined {
    for (let level = userBlocking; level >= bestEffort; level--) {
      for (const { tasks } of this.#turns[level] as Set<KeySequence>) return tasks.head
    }
    return undefined
  }

  offers(first: TaskRecord, most: number): readonly TaskRecord[] {
    const { turns } = this.#sequenceOf(first)
    return [...(turns ?? [])].slice(0, most).map(({ tasks }) => tasks.head as TaskRecord)
  }

  take(record: TaskRecord): void {
    this.#sequenceOf(record).isBusy = true
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
  get oldest(): TaskRecord | undefined {
    return oldestOf([...this.#sequences.values()].map(({ tasks }) => tasks))
  }

  reprioritise(level: number): void {
    for (const [key, sequence] of this.#sequences) {
      for (const record of sequence.tasks) {
        if (!record.has(inheritsPriority)) continue
        ;(sequence.counts[record.level] as number)--
        record.level = level
        ;(sequence.counts[level] as number)++
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
      turns?.add(sequence)
      sequence.turns = turns
    }
    if (!sequence.isBusy && sequence.tasks.head === undefined) this.#sequences.delete(key)
  }
}
