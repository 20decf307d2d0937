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
    else this.#lastWithRoom(record.runner, record.level).add(record)
  }

  /** A pack that has room for a function of this level. */
  packFor(runner: TaskRunner, level: number): TaskPack {
    return this.#last?.level === level ? this.#lastWithRoom(runner, level) : this.#append(new TaskPack(runner, level))
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

  #lastWithRoom(runner: TaskRunner, level: number): TaskPack {
    const last = this.#last as TaskPack
    return last.isFull ? this.#append(new TaskPack(runner, level)) : last
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
