import type { Executor, Settled } from './executor.ts'
import type { Pump } from './pump.ts'
import { RunnerEngine } from './runner-engine.ts'
import type { BoundTask, Task } from './task.ts'
import { failed, sharesSlot, sharesTurn, succeeded, type TaskRecord } from './task-record.ts'

/** A batch never holds its slot longer than about this, so an urgent task never waits longer for it. */
const longestMs = 1

/**
 * Small bound tasks travel together: when more tasks are ready than slots are free, several go in one message to one
 * slot and run there one after the other, each with an outcome of its own. Only tasks whose run time is known, from
 * earlier runs of the same function, join a batch. What moves to a thread goes alone: were the thread to die before the
 * task's turn, it would be gone. One with a time limit goes first: its time counts from its own start (C2).
 */
export class Batches {
  readonly #executor: Executor<never>
  readonly #pump: Pump

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
      if (cost > left || record.level < first.level || record.extras?.timeout !== undefined) break
      left -= cost
      next.begin(record, waiting === undefined ? sharesSlot | sharesTurn : sharesSlot)
      batch.push(record)
      turns.push(next)
    }
    return batch.length > 1 ? batch : undefined
  }

  execute(batch: readonly TaskRecord[]): void {
    for (const record of batch) record.runner.inFlight.push(record)
    const tasks = batch.map(({ task }) => task as BoundTask)
    const outcomes = this.#executor.executeBatch?.(tasks as never, batch) as PromiseLike<readonly Settled[]>
    outcomes.then(
      (settled) => {
        for (const [index, record] of batch.entries()) settle(record, settled[index])
        // From the last to the first: each goes ahead of what waits.
        for (const [index, record] of [...batch.entries()].reverse())
          if (settled[index]?.status === 'lost') record.runner.lost(record)
      },
      (error: unknown) => {
        for (const record of batch) record.runner.ended(record, failed, error)
      },
    )
  }

  get #waiting(): RunnerEngine | undefined {
    const entry = this.#pump.nextToShare
    return entry instanceof RunnerEngine ? entry : undefined
  }

  #cost(record: TaskRecord): number {
    const goesAlone = typeof record.task === 'function' || record.transfer !== undefined
    const estimate = goesAlone ? undefined : this.#executor.estimate?.(record.task as Task as never)
    return estimate ?? Number.POSITIVE_INFINITY
  }
}

const settle = (record: TaskRecord, outcome: Settled | undefined): void => {
  if (outcome?.status === 'fulfilled') record.runner.ended(record, succeeded, outcome.value)
  else if (outcome?.status === 'rejected') record.runner.ended(record, failed, outcome.reason)
}
