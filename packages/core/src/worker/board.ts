import { intrinsics } from '../intrinsics.ts'

const { add, compareExchange, load, store } = Atomics

/** The most tasks of one message; each has its place on the board. */
export const maxBatch = 128

/**
 * Where a task of the current message is. Up to `cancelled` main and thread race for it, by compare and exchange;
 * from `returnedUndefined` on it has ended and the thread alone has written.
 */
export const boardState = {
  queued: 0,
  running: 1,
  /** Cancelled before its start; it never starts. */
  cancelled: 2,
  /** Taken back before its start, because the thread is about to be ended; it may run elsewhere. */
  recalled: 3,
  returnedUndefined: 4,
  returnedNull: 5,
  returnedTrue: 6,
  returnedFalse: 7,
  returnedNumber: 8,
  /** Its outcome went by message. */
  sent: 9,
} as const

/**
 * Memory that both sides of a thread see: what each task of the current message is at. It is what a synchronous loop
 * polls to learn that it was cancelled, and what tells, after a crash, which task ran, which had ended and which had
 * not begun. Small results travel on it, so that a batch of quick tasks needs one message for all outcomes.
 */
export class Board {
  readonly memory: SharedArrayBuffer
  /** Results that are numbers. */
  readonly values: Float64Array
  /** How long each task ran, in milliseconds. */
  readonly runMs: Float64Array
  readonly #states: Int32Array
  readonly #aborted: Int32Array
  readonly #reports: Int32Array

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(maxBatch * 28)) {
    this.memory = memory
    this.values = new intrinsics.Float64Array(memory, 0, maxBatch)
    this.runMs = new intrinsics.Float64Array(memory, maxBatch * 8, maxBatch)
    this.#states = new intrinsics.Int32Array(memory, maxBatch * 16, maxBatch)
    this.#aborted = new intrinsics.Int32Array(memory, maxBatch * 20, maxBatch)
    this.#reports = new intrinsics.Int32Array(memory, maxBatch * 24, maxBatch)
  }

  /** Main: a task is about to be sent. Only while the thread has none. */
  queue(index: number): void {
    this.#states[index] = boardState.queued
    this.#aborted[index] = 0
    this.#reports[index] = 0
  }

  state(index: number): number {
    return load(this.#states, index)
  }

  /** Thread: true where the task may start; nobody can take it back from then on. */
  claim(index: number): boolean {
    return this.#move(index, boardState.running)
  }

  /** Main: true where the task had not started, and now never will. */
  takeBack(index: number, as: typeof boardState.cancelled | typeof boardState.recalled): boolean {
    return this.#move(index, as)
  }

  /** Thread: the task has ended. */
  end(index: number, state: number): void {
    store(this.#states, index, state)
  }

  abort(index: number): void {
    store(this.#aborted, index, 1)
  }

  isAborted(index: number): boolean {
    return load(this.#aborted, index) === 1
  }

  /** Thread: so many messages of progress more were sent, before the next message is. */
  countReport(index: number, by: 1 | -1): void {
    add(this.#reports, index, by)
  }

  /** How many messages of progress were sent: it tells what a message was that could not be read. */
  reports(index: number): number {
    return load(this.#reports, index)
  }

  #move(index: number, to: number): boolean {
    return compareExchange(this.#states, index, boardState.queued, to) === boardState.queued
  }
}
