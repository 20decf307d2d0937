import { SequenceDeadlockError } from './errors.ts'
import { isSameKey, taskLabel } from './task-label.ts'
import { continuesOnShutdown, isBarrier, running, type TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'
import { edgesOf, type WaitEdge } from './wait-edge.ts'

/** Which edges count. */
type Counts = (edge: WaitEdge) => boolean

/** Nothing but somebody from outside could end the wait before its target settles. */
const isProven: Counts = (edge) => !edge.isLimited && edge.isCertain
const isPossible: Counts = () => true

const isFull = ({ pump, executor }: ThreadPool<never>): boolean => pump.active >= executor.maxConcurrency

const holdersOfPool = (pool: ThreadPool<never>): TaskRecord[] =>
  pool.runners.flatMap((runner) => (runner.isDedicated ? [] : runner.holders))

/** Those of the tasks that run beside `record` which it has to wait for, each of them: they hold its key, or there is a barrier. */
const aheadOf = (record: TaskRecord): readonly TaskRecord[] => {
  const { runner } = record
  const { holders } = runner
  if (record.has(isBarrier) || runner.hasBarrierAhead(record)) return holders
  const isKeyed = runner.kind === 'keyed'
  const { key } = record.extras ?? {}
  return holders.filter((holder) => holder.has(isBarrier) || (isKeyed && isSameKey(holder.extras?.key, key)))
}

const isShort = ({ isDedicated, pool }: TaskRunner): boolean => !isDedicated && isFull(pool)

/** What `edge` waits for may still wait for a place, of its runner and of the pool. */
const needsPlace = ({ target, on, until, call }: WaitEdge): boolean =>
  target === undefined ? call === 'ready' || on.hasQueued(until) : target.code !== running

/** Running tasks of the runner itself that `edge` may have to wait for. */
const holdersFor = (edge: WaitEdge): readonly TaskRecord[] => {
  const { target, on, until, call } = edge
  if (target?.code === running) return [target]
  if (target !== undefined) return on.isAtLimit ? on.holders : aheadOf(target)
  if (call === 'close') return on.holders.filter((holder) => !holder.has(continuesOnShutdown))
  return on.holders.filter(({ order }) => order < until)
}

/** Running tasks that `edge` may have to wait for. */
const blockersOf = (edge: WaitEdge): ReadonlySet<TaskRecord> =>
  new Set([...holdersFor(edge), ...(isShort(edge.on) && needsPlace(edge) ? holdersOfPool(edge.on.pool) : [])])

/** True if `edge` never ends while the tasks of `stuck` do not end. */
const isStuck = (edge: WaitEdge, stuck: ReadonlySet<TaskRecord>): boolean => {
  const { target, on, call } = edge
  const holders = holdersFor(edge).filter((record) => stuck.has(record))
  const isOne = target === undefined ? call !== 'ready' : target.code === running
  if (isOne && holders.length > 0) return true
  if (!needsPlace(edge)) return false
  if (holders.length >= on.maxConcurrency) return true
  if (target !== undefined && aheadOf(target).some((holder) => stuck.has(holder))) return true
  if (!isShort(on)) return false
  const inSlots = holdersOfPool(on.pool).filter((record) => stuck.has(record))
  return inSlots.length >= on.pool.executor.maxConcurrency
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
    record = [...blockersOf(edge)].find((blocker) => stuck.has(blocker))
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
  // Mostly nothing is in the way.
  if (edge.isOver || edge.isLimited || blockersOf(edge).size === 0) return
  const cycle = cycleFrom(edge.task, isProven)
  if (cycle === undefined) return
  const { task, call, on, runner } = edge
  edge.fail(
    new SequenceDeadlockError(
      `task "${task.name}" on runner "${runner.name}" awaits ${call}() of runner "${on.name}", which closes a cycle of waits: ${cycle.join(' -> ')}; hand work over with postTask(), or wait outside of the task`,
    ),
  )
}
