import { currentTask } from './current-task.ts'
import type { TaskRunner } from './task-runner.ts'

/** How long the oldest task waits and the oldest one runs, in ms; undefined if there is none, or if it is not measured. */
export interface OldestAges {
  readonly oldestWaitingMs: number | undefined
  readonly oldestRunningMs: number | undefined
}

/** Reads what is measured anyway, so that a task costs nothing more. O(running tasks), and O(keys) in a keyed runner. */
export const oldestAges = (runner: TaskRunner): OldestAges => {
  // Without measuring no record has a time: the look at each is spared.
  if (!runner.isTimed) return { oldestWaitingMs: undefined, oldestRunningMs: undefined }
  const now = runner.pool.clock.now()
  const queuedAt = runner.waiting.oldest?.queuedAt
  // The task that asks is not in flight before it has returned a promise.
  const current = currentTask()
  let startedAt = current?.runner === runner && current.isHolding ? (current.run?.startedAt ?? now) : Number.POSITIVE_INFINITY
  for (const { run } of runner.inFlight) if (run !== undefined && run.startedAt < startedAt) startedAt = run.startedAt
  return {
    oldestWaitingMs: queuedAt === undefined ? undefined : now - queuedAt,
    oldestRunningMs: startedAt === Number.POSITIVE_INFINITY ? undefined : now - startedAt,
  }
}

/** The older of two ages, if there are any. */
export const olderOf = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a
