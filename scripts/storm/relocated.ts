import type { LaneExecutor } from '@posttask/core/worker'

/** Counts the tasks of batches that a dying or a busy thread had not started, and that so have to run elsewhere (F5). */
export const countRelocated = (executor: LaneExecutor): { readonly count: number } => {
  const counter = { count: 0 }
  const { executeBatch } = executor
  if (executeBatch === undefined) return counter
  const counting: typeof executeBatch = async (tasks, executions, onSlow) => {
    const outcomes = await executeBatch(tasks, executions, onSlow)
    for (const { status } of outcomes) if (status === 'lost') counter.count++
    return outcomes
  }
  Object.defineProperty(executor, 'executeBatch', { value: counting })
  return counter
}
