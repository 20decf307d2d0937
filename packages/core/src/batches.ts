import type { Executor, Settled } from './executor.ts'
import type { Pump } from './pump.ts'
import { RunnerEngine } from './runner-engine.ts'
import type { BoundTask, Task } from './task.ts'
import { countsAsBestEffort, failed, sharesSlot, sharesTurn, succeeded, type TaskRecord } from './task-record.ts'

/** A batch never holds its slot longer than about this, so an urgent task never waits longer for it. */
const longestMs = 1

/**
 * Small bound tasks travel together: when more tasks are ready than slots are free, several go in one message to one
 * slot and run there one after the other, each with an outcome of its own. Only tasks whose run time is known, from
 * earlier runs of the same function, join a batch. What moves to a thread goes alone: were the thread to die before the
 * task's turn, it would be gone. So does what has a time limit: no other may use it up (C2). And so does what was lost
 * with a thread: if it was this task's arguments that killed it, they kill no other's chance.
 */
export class Batches {
  readonly #executor: Executor<never>
  readonly #pump: Pump
  /** Made with the first loss, for it is asked for each task. */
  #lost: WeakSet<TaskRecord> | undefined

  private constructor(executor: Executor<never>, pump: Pump) {
    this.#executor = executor
    this.#pump = pump
  }

  /** Undefined for an executor that takes one task at a time, or a clock that starts them one at a time. */
  static for(executor: Executor<never>, pump: Pump): Batches | undefined {
    const canBatch = executor.executeBatch !== undefined && executor.estimate !== undefined && executor.capabilities.maxBatch > 1
    return canBatch && executor.clock.nextPump === undefined ? new Batches(executor, pump) : undefined
  }

  /** What runs behind `first`, the runners in turn (S5): undefined where it should go alone. */
  gather(runner: RunnerEngine, first: TaskRecord): TaskRecord[] | undefined {
    let left = longestMs - this.#cost(first)
    if (left <= 0) return undefined
    const { maxBatch } = this.#executor.capabilities
    const { freeSlots, ready } = this.#pump
    // The slots that are still free have their share; of other runners it is only known that they have something.
    const share = Math.ceil((runner.available + ready.size + 1) / (freeSlots + 1))
    const most = freeSlots === 0 ? maxBatch : Math.min(maxBatch, share)
    const batch = [first]
    const turns = [runner]
    while (batch.length < most) {
      // Who waits for a slot comes before those who have had a turn in this batch.
      const waiting = this.#waiting
      const next = waiting ?? turns.shift()
      if (next === undefined) break
      const record = next.peek()
      if (record === undefined) continue
      const cost = this.#cost(record)
      // A less urgent one must not take the slot of a more urgent one (P5).
      if (cost > left || record.level < first.level) break
      left -= cost
      next.begin(record, waiting === undefined ? sharesSlot | sharesTurn : sharesSlot)
      batch.push(record)
      turns.push(next)
    }
    return batch.length > 1 ? batch : undefined
  }

  execute(gathered: readonly TaskRecord[]): void {
    const batch = withoutCancelled(gathered)
    if (batch.length === 0) return
    for (const record of batch) record.runner.inFlight.push(record)
    const tasks = batch.map(({ task }) => task as BoundTask)
    let open: readonly OpenTask[] = batch.map((record, index) => ({ record, index, isTold: false }))
    const onSlow = (known: readonly (Settled | undefined)[]): void => {
      open = settleKnown(open, known)
    }
    const fail = (error: unknown): void => {
      for (const { record, isTold } of open) record.runner.ended(record, isTold ? succeeded : failed, error)
    }
    try {
      const outcomes = this.#executor.executeBatch?.(tasks as never, batch, onSlow) as PromiseLike<readonly Settled[]>
      outcomes.then((settled) => this.#settleAll(open, settled), fail)
    } catch (error) {
      fail(error)
    }
  }

  #settleAll(open: readonly OpenTask[], outcomes: readonly Settled[]): void {
    for (const { record, index, isTold } of open) {
      const outcome = outcomes[index]
      if (isTold) record.runner.ended(record, succeeded, undefined)
      else settle(record, outcome)
      if (outcome?.status === 'lost') (this.#lost ??= new WeakSet()).add(record)
    }
    takeBack(open, outcomes)
  }

  get #waiting(): RunnerEngine | undefined {
    const entry = this.#pump.nextToShare
    return entry instanceof RunnerEngine ? entry : undefined
  }

  #cost(record: TaskRecord): number {
    const goesAlone =
      typeof record.task === 'function' ||
      record.transfer !== undefined ||
      record.extras?.timeout !== undefined ||
      this.#lost?.has(record) === true
    const estimate = goesAlone ? undefined : this.#executor.estimate?.(record.task as Task as never)
    return estimate ?? Number.POSITIVE_INFINITY
  }
}

/** Those that may still run; the others end here, and their slot is for the next one. */
const withoutCancelled = (gathered: readonly TaskRecord[]): readonly TaskRecord[] => {
  const batch = gathered.filter((record) => record.runner.mayExecute(record))
  if (batch.length === gathered.length) return batch
  const [first] = gathered
  const [holder] = batch
  if (first !== undefined && holder !== undefined && holder !== first) passSlot(first, holder)
  for (const record of gathered) if (!batch.includes(record)) record.runner.neverRan(record)
  return batch
}

/** A task of a batch that holds its place in it. `isTold`: its outcome is known to who waits for it. */
interface OpenTask {
  readonly record: TaskRecord
  readonly index: number
  readonly isTold: boolean
}

/**
 * One task of a batch takes long. Tells the outcomes of those that have ended, and lets go of whom its end means nothing
 * to. What stays: those of its runner, one of which may have its turn (S2).
 */
const settleKnown = (batch: readonly OpenTask[], known: readonly (Settled | undefined)[]): OpenTask[] => {
  const unknown = batch.filter(({ index }) => known[index] === undefined).map(({ record }) => record)
  const busy = new Set(unknown.map(({ runner }) => runner))
  const open: OpenTask[] = []
  const first = batch[0]?.record
  const slow = unknown[0]
  if (first !== undefined && slow !== undefined && slow !== first) passSlot(first, slow)
  for (const { record, index } of batch) {
    const outcome = known[index]
    if (outcome?.status === 'lost') continue
    // Where all have ended there is nobody to take the slot; the batch is over any moment.
    const stays = busy.has(record.runner) || (index === 0 && slow === undefined)
    if (stays) open.push({ record, index, isTold: outcome !== undefined })
    if (!stays) settle(record, outcome)
    else if (outcome?.status === 'fulfilled') record.runner.tellOutcome(record, succeeded, outcome.value)
    else if (outcome?.status === 'rejected') record.runner.tellOutcome(record, failed, outcome.reason)
  }
  takeBack(batch, known)
  return open
}

/** With all that is counted of it (P5). */
const passSlot = (from: TaskRecord, to: TaskRecord): void => {
  to.bits = (to.bits & ~sharesSlot) | (from.bits & countsAsBestEffort)
  from.bits = (from.bits & ~countsAsBestEffort) | sharesSlot
}

/** From the last to the first: each goes ahead of what waits. */
const takeBack = (tasks: readonly OpenTask[], outcomes: readonly (Settled | undefined)[]): void => {
  for (let at = tasks.length - 1; at >= 0; at--) {
    const { record, index } = tasks[at] as OpenTask
    if (outcomes[index]?.status === 'lost') record.runner.lost(record)
  }
}

const settle = (record: TaskRecord, outcome: Settled | undefined): void => {
  if (outcome?.status === 'fulfilled') record.runner.ended(record, succeeded, outcome.value)
  else if (outcome?.status === 'rejected') record.runner.ended(record, failed, outcome.reason)
}
