import type { TaskHandle, TaskRunner } from '@posttask/core'
import { nameOf } from './journal.ts'
import type { TaskLedger } from './task-ledger.ts'

const isTask = (on: unknown): on is TaskHandle => typeof on === 'object' && on !== null && 'state' in on

/** Tasks of which each waits for the next, and the last for the first; undefined where there are none. */
export const waitCycle = (ledger: TaskLedger): readonly string[] | undefined => {
  const pending = ledger.list()
  const runnerOf = new Map<unknown, TaskRunner>(pending.map(({ handle, runner }) => [handle, runner]))
  const next = (task: TaskHandle): readonly TaskHandle[] => {
    if (task.state === 'running')
      return ledger
        .waitsOf(task)
        .map(({ on }) => on)
        .filter(isTask)
    const runner = runnerOf.get(task)
    if (task.state !== 'queued' || runner === undefined) return []
    // It waits for whoever holds its runner; where nobody does, for whoever holds the pool's slots.
    const running = [...ledger.running]
    const holders = running.filter(([, on]) => on === runner)
    return (holders.length > 0 ? holders : running.filter(([, on]) => on.pool === runner.pool)).map(([holder]) => holder)
  }
  const done = new Set<TaskHandle>()
  const follow = (task: TaskHandle, path: readonly TaskHandle[]): readonly TaskHandle[] | undefined => {
    const start = path.indexOf(task)
    if (start !== -1) return path.slice(start)
    if (done.has(task)) return undefined
    done.add(task)
    for (const other of next(task)) {
      const cycle = follow(other, [...path, task])
      if (cycle !== undefined) return cycle
    }
    return undefined
  }
  for (const { handle } of pending) {
    const cycle = isTask(handle) && !('runCount' in handle) ? follow(handle, []) : undefined
    if (cycle !== undefined) return cycle.map(nameOf)
  }
  return undefined
}
