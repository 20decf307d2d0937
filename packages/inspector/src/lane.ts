import { type TaskFinishedEvent, TaskTimeoutError } from '@posttask/core'
import { Greatest } from './greatest.ts'
import { reasonOf } from './reason-of.ts'
import type { SliceSnapshot } from './snapshot.ts'

const maxSlices = 16

/** What was drawn on the lane of a runner since the sample before. */
export interface LaneContents {
  /** How many tasks ran, on average, beside those that are told of. */
  readonly load: number
  readonly slices: readonly SliceSnapshot[]
}

/** What the tasks of one runner did since the sample before: the longest, and for how long all of them ran. */
export class Lane {
  #since: number
  #busyMs = 0
  #slices = new Greatest<SliceSnapshot>(maxSlices)

  constructor(now: number) {
    this.#since = now
  }

  /** `site` is asked for when the task is kept. */
  finished(event: TaskFinishedEvent, now: number, site: () => string | undefined): void {
    const { name, runMs, waitMs, hasStarted, error, thread } = event
    this.#busyMs += Math.min(runMs, now - this.#since)
    const outcome = outcomeOf(event)
    // One that failed is worth more than any that did not.
    const weight = outcome === 'failed' || outcome === 'timed-out' ? runMs + 1e12 : runMs
    if (!this.#slices.accepts(weight)) return
    const reason = reasonOf(error)
    this.#slices.add(weight, { name, endedAt: now, runMs, waitMs, outcome, hasStarted, reason, thread, site: site() })
  }

  /** Begins anew. `startedAt` has the tasks that still run and are not told of. */
  take(now: number, startedAt: readonly number[]): LaneContents {
    const span = now - this.#since
    const running = startedAt.reduce((sum, start) => sum + now - Math.max(start, this.#since), 0)
    const slices = this.#slices.items()
    const told = slices.reduce((sum, { runMs, endedAt }) => sum + Math.min(runMs, endedAt - this.#since), 0)
    const load = span === 0 ? 0 : Math.max(0, this.#busyMs - told + running) / span
    this.#since = now
    this.#busyMs = 0
    this.#slices = new Greatest(maxSlices)
    return { load, slices }
  }
}

/** A time limit ends a task as a cancellation does, and is of another interest. */
const outcomeOf = ({ outcome, error }: TaskFinishedEvent): SliceSnapshot['outcome'] =>
  outcome === 'cancelled' && error instanceof TaskTimeoutError ? 'timed-out' : outcome
