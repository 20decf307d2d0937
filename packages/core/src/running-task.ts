import { postedFrom } from './origin.ts'
import type { TaskHandle } from './task.ts'
import { isBarrier, type TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'

/** A task that has its slot: it runs, or was cancelled and has not stopped (C2). */
export interface RunningTask {
  /** Its `state` is `running`, or `cancelled` for one that has not stopped. */
  readonly task: TaskHandle
  readonly name: string
  /** For how long, in ms; undefined if it was started before anything measured (`timing`, `history`, an observer). */
  readonly runMs: number | undefined
  /** The id of its thread, where the executor tells, and something measures. */
  readonly thread: number | undefined
  /** The stack of its post, with `traceOrigin: true`. Made when it is read. */
  readonly origin: string | undefined
}

/** What has a slot of a runner, the oldest first. A flush is no task. */
export const runningTasksOf = (runner: TaskRunner): RunningTask[] => {
  const now = runner.pool.clock.now()
  return runner.holders.filter((record) => !record.has(isBarrier)).map((record) => snapshotOf(record, now))
}

const snapshotOf = (record: TaskRecord, now: number): RunningTask => ({
  task: record,
  name: record.name,
  runMs: record.run === undefined ? undefined : now - record.run.startedAt,
  thread: record.thread,
  get origin() {
    return postedFrom(record)
  },
})
