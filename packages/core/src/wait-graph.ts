import { SequenceDeadlockError } from './errors.ts'
import { isSameKey, taskLabel } from './task-label.ts'
import { continuesOnShutdown, isBarrier, running, type TaskRecord } from './task-record.ts'
import type { ThreadPool } from './thread-pool.ts'
import { edgesOf, type WaitEdge } from './wait-edge.ts'

/** Which edges count. */
type Counts = (edge: WaitEdge) => boolean

/** Nothing but somebody from outside could end the wait before its target settles. */
const isProven: Counts = (edge) => edge.isSuspected && !edge.isLimited && edge.isCertain
const isPossible: Counts = () => true

const isFull = ({ pump, executor }: ThreadPool<never>): boolean => pump.active >= executor.maxConcurrency

const holdersOfPool = (pool: ThreadPool<never>): TaskRecord[] =>
  pool.runners.flatMap((runner) => (runner.isDedicated ? [] : runner.holders))

const isKeyHolder = (record: TaskRecord, holder: TaskRecord): boolean =>
  record.runner.kind === 'keyed' && isSameKey(holder.extras?.key, record.extras?.key)

/** Only one task of these has to stay for `record` to wait: they hold its sequence, or a barrier is between them. */
const holdsAlone = (record: TaskRecord, holder: TaskRecord): boolean =>
  isKeyHolder(record, holder) || record.has(isBarrier) || holder.has(isBarrier)

/** Running tasks that `edge` may have to wait for. */
const blockersOf = ({ target, on, until, call }: WaitEdge): readonly TaskRecord[] => {
  if (target === undefined && call === 'close') return on.holders.filter((holder) => !holder.has(continuesOnShutdown))
  if (target === undefined) return on.holders.filter(({ order }) => order < until)
  if (target.code === running) return [target]
  const { pool } = on
  if (!on.isDedicated && isFull(pool)) return [...new Set([...on.holders, ...holdersOfPool(pool)])]
  return on.isAtLimit ? on.holders : on.holders.filter((holder) => holdsAlone(target, holder))
}

/** True if `edge` never ends while the tasks of `stuck` do not end. */
const isStuck = (edge: WaitEdge, stuck: ReadonlySet<TaskRecord>): boolean => {
  const { target, on, call } = edge
  const here = blockersOf(edge).filter((record) => stuck.has(record))
  if (here.length === 0) return false
  if (target === undefined ? call !== 'ready' : target.code === running) return true
  const ofRunner = here.filter(({ runner }) => runner === on)
  if (ofRunner.length >= on.maxConcurrency) return true
  if (target === undefined) return false
  if (ofRunner.some((holder) => holdsAlone(target, holder))) return true
  const { pool } = on
  const inSlots = here.filter(({ runner }) => !runner.isDedicated && runner.pool === pool)
  return !on.isDedicated && isFull(pool) && inSlots.length >= pool.executor.maxConcurrency
}

/** The tasks, of those that `from` may wait for and itself, none of which can end before another one of them has. */
const findStuck = (from: TaskRecord, counts: Counts): ReadonlySet<TaskRecord> => {
  const stuck = new Set([from])
  // A set gives what is added while it is walked through.
  for (const record of stuck) {
    for (const edge of edgesOf(record)) {
      if (counts(edge)) for (const blocker of blockersOf(edge)) stuck.add(blocker)
    }
  }
  for (let before = 0; before !== stuck.size; ) {
    before = stuck.size
    for (const record of stuck) {
      if (!edgesOf(record).some((edge) => counts(edge) && isStuck(edge, stuck))) stuck.delete(record)
    }
  }
  return stuck
}

/** From `from` along waits that do not end, until a task comes again. */
const walk = (from: TaskRecord, stuck: ReadonlySet<TaskRecord>, counts: Counts): readonly string[] => {
  const path: TaskRecord[] = []
  let record: TaskRecord | undefined = from
  while (record !== undefined) {
    const start = path.indexOf(record)
    path.push(record)
    if (start !== -1) return path.slice(start).map(taskLabel)
    const edge: WaitEdge | undefined = edgesOf(record).find((one) => counts(one) && isStuck(one, stuck))
    if (edge === undefined) break
    // What has not started stands between the two.
    if (edge.target !== undefined && edge.target.code !== running) path.push(edge.target)
    record = blockersOf(edge).find((blocker) => stuck.has(blocker))
  }
  return path.map(taskLabel)
}

const cycleFrom = (from: TaskRecord, counts: Counts): readonly string[] | undefined => {
  if (!edgesOf(from).some(counts)) return undefined
  const stuck = findStuck(from, counts)
  return stuck.has(from) ? walk(from, stuck, counts) : undefined
}

/** The first cycle of waits in which one of the tasks would be if each task awaited what it has asked for. */
export const firstCycle = (records: readonly TaskRecord[]): readonly string[] | undefined => {
  for (const record of records) {
    const cycle = cycleFrom(record, isPossible)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** A task now waits at this edge for certain: if that closes a cycle, the wait ends with an error (W3). */
export const refuseDeadlock = (edge: WaitEdge): void => {
  const cycle = edge.isOver || edge.isLimited ? undefined : cycleFrom(edge.task, isProven)
  if (cycle === undefined) return
  const { task, call, on, runner } = edge
  edge.fail(
    new SequenceDeadlockError(
      `task "${task.name}" on runner "${runner.name}" awaits ${call}() of runner "${on.name}", which closes a cycle of waits: ${cycle.join(' -> ')}; hand work over with postTask(), or wait outside of the task`,
    ),
  )
}
