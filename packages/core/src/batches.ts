import { Batch } from './batch.ts'
import type { Executor, Settled } from './executor.ts'
import type { Pump } from './pump.ts'
import { RunnerEngine } from './runner-engine.ts'
import type { BoundTask, Task } from './task.ts'
import { isTick, sharesSlot, sharesTurn, type TaskRecord } from './task-record.ts'

/** A batch never holds its slot longer than about this, so an urgent task never waits longer for it. */
const longestMs = 1

/**
 * Small bound tasks travel together: when more tasks are ready than slots are free, several go in one message to one
 * slot and run there one after the other, each with an outcome of its own. Only tasks whose run time is known, from
 * earlier runs of the same function, join a batch. What moves to a thread goes alone: were the thread to die before the
 * task's turn, it would be gone. So does what has a time limit: no other may use it up (C2). And so does what was lost
 * with a thread: if it was this task's arguments that killed it, they kill no other's chance. What reports progress, or ticks,
 * goes alone as well: it would be heard of before its start is, or could not be stopped any more (D5). And every task does
 * where observers let something travel with tasks, for that is asked for at the start.
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
    if (left <= 0 || runner.pool.hooks.carries) return undefined
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

  execute(records: readonly TaskRecord[]): void {
    const batch = new Batch(records)
    const tasks = records.map(({ task }) => task as BoundTask)
    const fail = (reason: unknown): void => void batch.settle(records.map(() => ({ status: 'rejected', reason })))
    const settle = (outcomes: readonly Settled[]): void => {
      for (const record of batch.settle(outcomes)) (this.#lost ??= new WeakSet()).add(record)
    }
    try {
      const onSlow = (known: readonly (Settled | undefined)[]): void => batch.settleKnown(known)
      const outcomes = this.#executor.executeBatch?.(tasks as never, records, onSlow) as PromiseLike<readonly Settled[]>
      outcomes.then(settle, fail)
    } catch (error) {
      fail(error)
    }
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
      record.wantsProgress ||
      record.has(isTick) ||
      this.#lost?.has(record) === true
    const estimate = goesAlone ? undefined : this.#executor.estimate?.(record.task as Task as never)
    return estimate ?? Number.POSITIVE_INFINITY
  }
}
