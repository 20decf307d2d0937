import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { LoopSnapshot } from './snapshot.ts'

const resolutionMs = 10

/** How busy this event loop is, and how late its timers are, from one look to the next. */
export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs })
  #before = performance.eventLoopUtilization()

  start(): void {
    this.#delays.enable()
    this.#before = performance.eventLoopUtilization()
  }

  stop(): void {
    this.#delays.disable()
    this.#delays.reset()
  }

  read(): LoopSnapshot {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#before)
    this.#before = now
    // The histogram has the time between two looks, in nanoseconds.
    const p99 = this.#delays.percentile(99) / 1e6
    this.#delays.reset()
    return { utilization, delayP99Ms: Math.max(0, p99 - resolutionMs) }
  }
}
