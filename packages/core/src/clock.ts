import type { TestSeam } from './test-seam.ts'

/** A timer that was set. */
export interface TimerHandle {
  /** Afterwards the callback is never called. More than once is fine. */
  cancel(): void
}

/**
 * Monotonic time, timers, and "the next turn of the event loop": the only door to the host's time. An executor
 * brings its clock along; a test brings a virtual one.
 */
export interface Clock {
  /** Milliseconds, never going back. Only differences have a meaning. */
  now(): number
  /** Calls back once, after at least `delay` milliseconds; may be early by a fraction, the caller checks `now`. */
  setTimer(delay: number, callback: () => void, options?: { readonly unref?: boolean | undefined }): TimerHandle
  /** Calls back after the event loop had its turn: timers, I/O, and every microtask. */
  nextTurn(callback: () => void): void
  /**
   * Keeps the process alive until cancelled (E3). Absent where a process cannot end by itself: browsers, tests.
   */
  keepAlive?(): TimerHandle
  /**
   * The hop to the pump. Absent: a microtask. A clock that has it drives the pool itself: nothing runs but what the
   * clock calls back, and each call starts one task at the most. That is the seam of a virtual clock.
   */
  nextPump?(callback: () => void): void
  /** What else a test environment wants to know and to decide. Only beside `nextPump`. */
  readonly seam?: TestSeam | undefined
}
