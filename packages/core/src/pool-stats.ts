import { olderOf } from './oldest-ages.ts'
import { OutcomeCounters, type RunnerStats } from './runner-stats.ts'
import type { ThreadPool } from './thread-pool.ts'

/** A pool at one moment, and what became of its tasks so far. Plain data that JSON takes as it is. */
export interface PoolStats {
  readonly name: string
  /** Name of the executor. */
  readonly executor: string
  /** Slots of the executor; null if it has no limit, since JSON cannot say `Infinity`. */
  readonly slots: number | null
  /** Slots in use. */
  readonly active: number
  /** Tasks that wait in the queues of its runners. */
  readonly queued: number
  /** Tasks whose delay has not passed. */
  readonly delayed: number
  /** Outcomes of all its tasks so far, those of closed runners included. They stay when the pool is closed. */
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly timedOut: number
  readonly rejected: number
  /** The greatest `oldestWaitingMs` of its runners. */
  readonly oldestWaitingMs: number | undefined
  /** The greatest `oldestRunningMs` of its runners. */
  readonly oldestRunningMs: number | undefined
  readonly closed: boolean
  /** Those that are not closed yet. */
  readonly runners: readonly RunnerStats[]
}

/** The statistics of a pool; `past`: of its runners that are gone. */
export const poolStatsOf = (pool: ThreadPool<never>, past: OutcomeCounters): PoolStats => {
  const { name, executor, pump, isClosed: closed } = pool
  const runners = pool.runners.map((runner) => runner.stats())
  const totals = new OutcomeCounters()
  totals.add(past)
  let queued = 0
  let delayed = 0
  let oldestWaitingMs: number | undefined
  let oldestRunningMs: number | undefined
  for (const runner of runners) {
    totals.add(runner)
    queued += runner.pending
    delayed += runner.delayed
    oldestWaitingMs = olderOf(oldestWaitingMs, runner.oldestWaitingMs)
    oldestRunningMs = olderOf(oldestRunningMs, runner.oldestRunningMs)
  }
  const { completed, failed, cancelled, timedOut, rejected } = totals
  return {
    name,
    executor: executor.name,
    slots: Number.isFinite(executor.maxConcurrency) ? executor.maxConcurrency : null,
    active: pump.active,
    queued,
    delayed,
    completed,
    failed,
    cancelled,
    timedOut,
    rejected,
    oldestWaitingMs,
    oldestRunningMs,
    closed,
    runners,
  }
}
