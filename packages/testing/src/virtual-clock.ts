import type { Clock, TaskHandle, TestSeam, TimerHandle } from '@posttask/core'
import type { Access } from './sleep-sets.ts'
import { TimerHeap, type VirtualTimer } from './timer-heap.ts'

/** Something that can go on now. */
export interface ReadyEntry {
  /** `pump`: a pool wants to start a task. `resume`: a task goes on. `turn`, `timer`: a callback of the clock's user. */
  readonly kind: 'pump' | 'resume' | 'turn' | 'timer'
  readonly run: () => void
  /** The task that goes on, where it is known. */
  readonly task?: TaskHandle | undefined
  /** What it waited for, in words. */
  readonly what?: string | undefined
  /** What it touches, where a service says so. */
  readonly access?: Access | undefined
}

/** Options of a virtual clock. */
export interface VirtualClockOptions {
  /** The wall clock at the start. Default 2000-01-01T00:00:00Z. */
  readonly epoch?: number | Date | undefined
  /** Decides and listens for a test environment. */
  readonly seam?: TestSeam | undefined
}

const defaultEpoch = Date.UTC(2000, 0, 1)

const checkedTime = (time: number, what: string): number => {
  if (typeof time !== 'number' || !Number.isFinite(time))
    throw new RangeError(`${what} must be a finite number of milliseconds, not ${String(time)}`)
  return time
}

/**
 * A clock that stands still until it is told to move. Monotonic time starts at 0 and drives every timer; the wall clock
 * is that plus an epoch, and may be set without anything falling due. It runs nothing by itself: what may go on waits
 * in a ready list, timers of the same due time in the order in which they were set.
 *
 * Alone it is for code without promises (`advanceBy` runs everything synchronously); with promises, use a
 * `createTestEnvironment`, which waits for them.
 */
export class VirtualClock implements Clock {
  readonly seam: TestSeam | undefined
  #now = 0
  #epoch: number
  #order = 0
  readonly #timers = new TimerHeap()
  readonly #ready: ReadyEntry[] = []

  constructor(options: VirtualClockOptions = {}) {
    this.#epoch = checkedTime(Number(options.epoch ?? defaultEpoch), 'epoch')
    this.seam = options.seam
  }

  /** Monotonic time, in ms since the clock was made. */
  now(): number {
    return this.#now
  }

  /** Wall time, in ms since 1970, as `Date.now()` would tell it. */
  wallNow(): number {
    return this.#epoch + this.#now
  }

  /** Sets the wall clock. No timer moves or falls due. */
  setWallClock(time: number | Date): void {
    this.#epoch = checkedTime(Number(time), 'wall time') - this.#now
  }

  /** Moves the wall clock, as a time server or the end of summer time does. No timer moves or falls due. */
  shiftWallClock(ms: number): void {
    this.#epoch += checkedTime(ms, 'shift')
  }

  setTimer(delay: number, callback: () => void): TimerHandle {
    const timer: VirtualTimer = {
      due: this.#now + Math.max(0, checkedTime(delay, 'delay')),
      order: this.#order++,
      run: callback,
      isCancelled: false,
      entry: undefined,
    }
    if (timer.due > this.#now) this.#timers.push(timer)
    else this.#promote(timer)
    return { cancel: () => this.#cancel(timer) }
  }

  nextTurn(callback: () => void): void {
    this.#ready.push({ kind: 'turn', run: callback })
  }

  nextPump(callback: () => void): void {
    this.#ready.push({ kind: 'pump', run: callback })
  }

  /** Puts something behind what is ready. */
  enqueue(entry: ReadyEntry): void {
    this.#ready.push(entry)
  }

  /** What can go on now, in the order in which it became ready. */
  get ready(): readonly ReadyEntry[] {
    return this.#ready
  }

  /** When the next timer falls due; undefined where none is set. Cancelled timers do not count. */
  nextDeadline(): number | undefined {
    return this.#timers.peek()?.due
  }

  /** Time passes to `time` and nothing runs; timers up to it, inclusive, become ready together, in order. */
  moveTo(time: number): void {
    if (checkedTime(time, 'time') < this.#now) throw new RangeError(`time cannot go back from ${this.#now} to ${time}`)
    this.#now = time
    for (let timer = this.#timers.takeDue(time); timer !== undefined; timer = this.#timers.takeDue(time)) this.#promote(timer)
  }

  /** Takes what is ready at `index` out of the list, for the caller to run. */
  take(index = 0): ReadyEntry | undefined {
    return index === 0 ? this.#ready.shift() : this.#ready.splice(index, 1)[0]
  }

  /** Puts an entry back to where it was. */
  putBack(index: number, entry: ReadyEntry): void {
    this.#ready.splice(index, 0, entry)
  }

  /** Runs the first of what is ready. False where nothing is. */
  runNext(): boolean {
    const entry = this.take()
    entry?.run()
    return entry !== undefined
  }

  /** Runs everything up to `time`, inclusive, without waiting for promises. */
  advanceTo(time: number): void {
    for (;;) {
      while (this.runNext());
      const next = this.nextDeadline()
      if (next === undefined || next > time) break
      this.moveTo(next)
    }
    this.moveTo(time)
  }

  /** Runs everything of the next `ms` milliseconds, inclusive, without waiting for promises. */
  advanceBy(ms: number): void {
    this.advanceTo(this.#now + checkedTime(ms, 'ms'))
  }

  #promote(timer: VirtualTimer): void {
    timer.entry = { kind: 'timer', run: timer.run, what: 'timer' }
    this.#ready.push(timer.entry)
  }

  #cancel(timer: VirtualTimer): void {
    timer.isCancelled = true
    if (timer.entry === undefined) return
    const index = this.#ready.indexOf(timer.entry)
    if (index !== -1) this.#ready.splice(index, 1)
  }
}
