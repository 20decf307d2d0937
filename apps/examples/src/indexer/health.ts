import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How the process fared during a run. */
export interface Health {
  /** The most memory the process held, its threads included, bytes. */
  readonly peakMemory: number
  /** How late the main thread's event loop was, ms: 99 of 100 times at most this much. */
  readonly loopDelayP99: number
  readonly loopDelayMax: number
}

/** How often the event loop is probed, ms. What a probe measures includes this wait, so it is taken off. */
const resolution = 5

/** Watches the process from now on. Call what it returns at the end of the run. */
export function watchHealth(): () => Health {
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  return () => {
    delay.disable()
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution)
    return {
      peakMemory: process.resourceUsage().maxRSS * 1024,
      loopDelayP99: late(delay.percentile(99)),
      loopDelayMax: late(delay.max),
    }
  }
}
