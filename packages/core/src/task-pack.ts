import type { AsyncScope } from './async-context.ts'
import type { Closure, TaskHandle, TaskState } from './task.ts'
import { taskName } from './task-extras.ts'
import {
  isPacked,
  isRetained,
  levelShift,
  packIndexShift,
  queued,
  type RecordState,
  type Resolve,
  reportsToPromise,
  TaskRecord,
  type TaskSink,
  taskStates,
} from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** How many tasks a pack takes. */
const room = 128

/**
 * The tail of a long queue: tasks that are nothing but a function wait here as such. A record is made of one when its
 * turn has come, or when somebody asks for it; a million waiting records are a million objects that every garbage
 * collection copies, a million waiting functions are an array.
 */
export class TaskPack implements TaskSink {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: TaskPack = new TaskPack(undefined as never, 0)

  next: TaskPack | undefined = undefined
  prev: TaskPack | undefined = undefined
  /** How many wait in it. */
  size = 0
  readonly #runner: TaskRunner
  /** Level and flags, which are the same for all that were posted as functions. */
  readonly traits: number
  readonly level: number
  /**
   * A function that waits, or the record made of it; when it has left, its record where that is under way, its outcome
   * once it has one, or nothing: then it is `#latest`, or nobody has a handle of it.
   */
  readonly #entries = new Array<Closure | TaskRecord | RecordState | undefined>(room)
  readonly #ids = new Array<number>(room)
  #sinks: (Resolve | undefined)[] | undefined
  #scopes: (AsyncScope | undefined)[] | undefined
  #postedAt: (number | undefined)[] | undefined
  #first = 0
  #end = 0
  /**
   * The record that left last. It is usually settled before the next one leaves, and is not stored among the others:
   * an old pack would keep it from dying young.
   */
  #latest: TaskRecord | undefined

  constructor(runner: TaskRunner, traits: number) {
    this.#runner = runner
    this.traits = traits
    this.level = (traits >> levelShift) & 0b11
  }

  get isFull(): boolean {
    return this.#end === room
  }

  /** Takes a function in. Its place tells its state later on. */
  push(
    task: Closure,
    id: number,
    sink: Resolve | undefined,
    scope: AsyncScope | undefined,
    postedAt: number | undefined,
  ): number {
    const index = this.#end++
    this.size++
    this.#entries[index] = task
    this.#ids[index] = id
    if (sink !== undefined) {
      this.#sinks ??= new Array<Resolve | undefined>(room)
      this.#sinks[index] = sink
    }
    if (scope !== undefined) {
      this.#scopes ??= new Array<AsyncScope | undefined>(room)
      this.#scopes[index] = scope
    }
    if (postedAt !== undefined) {
      this.#postedAt ??= new Array<number | undefined>(room)
      this.#postedAt[index] = postedAt
    }
    return index
  }

  /** Takes in a record, which has its place behind the functions. */
  add(record: TaskRecord): void {
    const index = this.#end++
    this.size++
    record.bits |= isPacked | (index << packIndexShift)
    record.pack = this
    this.#entries[index] = record
    this.#ids[index] = record.id
  }

  /** The next one, out of the pack, which must not be empty. */
  shift(): TaskRecord {
    for (;;) {
      const index = this.#first++
      const entry = this.#entries[index]
      if (typeof entry === 'function') return this.#leave(index, entry)
      if (typeof entry === 'object' && entry.has(isPacked)) {
        this.remove(entry)
        return entry
      }
    }
  }

  /** A record that will not have its turn here, or has it now. */
  remove(record: TaskRecord): void {
    this.size--
    record.bits &= ~isPacked
    record.pack = undefined
    // Others have no handle that looks for them here.
    if (record.sink !== this) this.#entries[indexOf(record)] = undefined
  }

  /** All that wait, as records. */
  *[Symbol.iterator](): Generator<TaskRecord, void> {
    for (let index = this.#first; index < this.#end; index++) {
      const entry = this.#entries[index]
      if (typeof entry === 'function' || (typeof entry === 'object' && entry.has(isPacked))) yield this.recordAt(index)
    }
  }

  /** For the handle of the task at `index`. */
  stateAt(index: number): TaskState {
    const entry = this.#entries[index]
    if (typeof entry === 'function') return 'queued'
    if (typeof entry === 'number') return taskStates[entry] as TaskState
    return (entry ?? (this.#latest as TaskRecord)).state
  }

  nameAt(index: number, id: number): string {
    const entry = this.#entries[index]
    if (typeof entry === 'number') return `task ${id}`
    return typeof entry === 'function' ? taskName(entry, id) : (entry ?? (this.#latest as TaskRecord)).name
  }

  cancelAt(index: number, reason: unknown): boolean {
    return typeof this.#entries[index] === 'number' ? false : this.#runner.cancel(this.recordAt(index), reason)
  }

  /** A task of a function alone has nobody to tell, only a handle that may ask. */
  onSettled(record: TaskRecord, state: RecordState): boolean {
    this.#entries[indexOf(record)] = state
    return false
  }

  recordAt(index: number): TaskRecord {
    const entry = this.#entries[index]
    if (typeof entry === 'object') return entry
    if (typeof entry !== 'function') return this.#latest as TaskRecord
    const record = this.#make(index, entry)
    record.bits |= isPacked
    record.pack = this
    this.#entries[index] = record
    return record
  }

  #leave(index: number, task: Closure): TaskRecord {
    const record = this.#make(index, task)
    this.size--
    this.#entries[index] = undefined
    if (record.sink === this) {
      const latest = this.#latest
      if (latest !== undefined && !latest.isSettled) this.#entries[indexOf(latest)] = latest
      this.#latest = record
    }
    return record
  }

  #make(index: number, task: Closure): TaskRecord {
    const sink = this.#sinks?.[index]
    const flags = sink === undefined ? isRetained : isRetained | reportsToPromise
    const bits = queued | this.traits | flags | (index << packIndexShift)
    const id = this.#ids[index] as number
    const record = new TaskRecord(this.#runner, id, task, bits, sink ?? this)
    record.order = id
    record.scope = this.#scopes?.[index]
    record.watch = this.#postedAt?.[index]
    // Other handles keep the pack.
    if (this.#sinks !== undefined) this.#sinks[index] = undefined
    if (this.#scopes !== undefined) this.#scopes[index] = undefined
    return record
  }
}

const indexOf = (record: TaskRecord): number => record.bits >> packIndexShift

/** The handle of a task that was posted as a function alone. */
export class PackedTask implements TaskHandle {
  /** As `TaskRecord.keptAlive`. */
  static readonly keptAlive: PackedTask = new PackedTask(TaskPack.keptAlive, 0, 0)

  readonly id: number
  readonly #pack: TaskPack
  readonly #index: number

  constructor(pack: TaskPack, index: number, id: number) {
    this.id = id
    this.#pack = pack
    this.#index = index
  }

  get name(): string {
    return this.#pack.nameAt(this.#index, this.id)
  }

  get state(): TaskState {
    return this.#pack.stateAt(this.#index)
  }

  cancel(reason?: unknown): boolean {
    return this.#pack.cancelAt(this.#index, reason)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}
