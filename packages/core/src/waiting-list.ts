import { TaskList } from './task-list.ts'
import { TaskPack } from './task-pack.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** What waits in one order: records, and behind them packs where the queue is long. */
export class WaitingList {
  /** Ahead of all packs. */
  readonly #records = new TaskList()
  #first: TaskPack | undefined
  #last: TaskPack | undefined

  /** The task that starts next. */
  get head(): TaskRecord | undefined {
    return this.#records.head ?? (this.#first === undefined ? undefined : this.#unpack(this.#first))
  }

  get hasPacks(): boolean {
    return this.#last !== undefined
  }

  push(record: TaskRecord): void {
    if (this.#last === undefined) this.#records.push(record)
    else (this.#lastWithRoom ?? this.#append(new TaskPack(record.runner, record.queueTraits))).add(record)
  }

  /** The pack that takes one more function; undefined where the last one has room, but for others. */
  packFor(runner: TaskRunner, traits: number): TaskPack | undefined {
    const pack = this.#lastWithRoom ?? this.#append(new TaskPack(runner, traits))
    return pack.traits === traits ? pack : undefined
  }

  unshift(record: TaskRecord): void {
    this.#records.unshift(record)
  }

  remove(record: TaskRecord): void {
    const { pack } = record
    if (pack === undefined) {
      this.#records.remove(record)
      return
    }
    pack.remove(record)
    if (pack.size === 0) this.#drop(pack)
  }

  clear(): void {
    for (const record of this) this.remove(record)
  }

  *[Symbol.iterator](): Generator<TaskRecord, void> {
    yield* this.#records
    let pack = this.#first
    while (pack !== undefined) {
      // Read first: a pack whose last task is taken out meanwhile is dropped.
      const { next } = pack
      yield* pack
      pack = next
    }
  }

  get #lastWithRoom(): TaskPack | undefined {
    return this.#last?.isFull ? undefined : this.#last
  }

  #append(pack: TaskPack): TaskPack {
    if (this.#last === undefined) this.#first = pack
    else this.#last.next = pack
    pack.prev = this.#last
    this.#last = pack
    return pack
  }

  #drop(pack: TaskPack): void {
    const { next, prev } = pack
    if (prev === undefined) this.#first = next
    else prev.next = next
    if (next === undefined) this.#last = prev
    else next.prev = prev
    // A handle of an old task must not keep younger packs alive.
    pack.next = pack.prev = undefined
  }

  #unpack(pack: TaskPack): TaskRecord {
    const record = pack.shift()
    if (pack.size === 0) this.#drop(pack)
    this.#records.push(record)
    return record
  }
}
