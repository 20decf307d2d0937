import { beginChange, endChange } from './callbacks.ts'
import type { Settled } from './executor.ts'
import { countsAsBestEffort, failed, sharesSlot, sharesTurn, succeeded, type TaskRecord, travels } from './task-record.ts'

/** A task of a batch, and its place in the message. */
interface BatchedTask {
  readonly record: TaskRecord
  readonly index: number
}

/**
 * Tasks that went to a thread in one message, and run there one after the other. The first one runs; the others wait for
 * their turns (S2), which are known when those before them are known to have ended. So starts and ends are told in their
 * order, with the times that were measured on the thread.
 */
export class Batch {
  /** Those whose end is not known. Of them only the first may have had its turn. */
  #open: readonly BatchedTask[]
  /** When the next turn came, on the pool's clock; undefined before the first end, and where nobody measures. */
  #turnAt: number | undefined
  #thread: number | undefined

  constructor(records: readonly TaskRecord[]) {
    this.#open = records.map((record, index) => ({ record, index }))
    const [first] = records
    first?.runner.inFlight.push(first)
  }

  /** The thread is done with all of them. Returns what was lost with it. */
  settle(outcomes: readonly Settled[]): readonly TaskRecord[] {
    const open = this.#open
    this.#open = []
    beginChange()
    this.#settleAll(open, outcomes)
    endChange()
    return open.filter(({ index }) => outcomes[index]?.status === 'lost').map(({ record }) => record)
  }

  /**
   * One of them takes long. Tells the outcomes of those before it, and passes on to it what they held: nobody but its own
   * runner waits for its end. What is lost may run elsewhere. Where all have ended the batch is over any moment.
   */
  settleKnown(known: readonly (Settled | undefined)[]): void {
    const open = this.#open
    const place = open.findIndex(({ index }) => known[index] === undefined)
    const slow = open[place]
    if (slow === undefined) return
    this.#open = open.slice(place).filter(({ index }) => known[index]?.status !== 'lost')
    const before = open.slice(0, place)
    beginChange()
    passOn(before, slow.record)
    this.#settleAll(before, known)
    this.#begin(slow.record)
    takeBack(open.slice(place), known)
    endChange()
  }

  #settleAll(tasks: readonly BatchedTask[], outcomes: readonly (Settled | undefined)[]): void {
    for (const { record, index } of tasks) if (outcomes[index]?.status !== 'lost') this.#end(record, outcomes[index])
    takeBack(tasks, outcomes)
  }

  #end(record: TaskRecord, outcome: Settled | undefined): void {
    this.#begin(record)
    const { runner, run } = record
    const runMs = outcome === undefined || outcome.status === 'lost' ? undefined : outcome.runMs
    if (run !== undefined && runMs !== undefined) {
      run.runMs = runMs
      run.isMeasured = true
    }
    this.#turnAt = run === undefined ? this.#turnAt : run.startedAt + (runMs ?? 0)
    this.#thread = record.thread ?? this.#thread
    if (outcome?.status === 'rejected') runner.ended(record, failed, outcome.reason)
    else runner.ended(record, succeeded, outcome?.status === 'fulfilled' ? outcome.value : undefined)
  }

  /** Its turn has come, unless it came before. */
  #begin(record: TaskRecord): void {
    if (!record.has(travels)) return
    record.runner.arrive(record)
    if (record.isSettled) return
    record.runner.startTurn(record, this.#turnAt)
    record.thread = this.#thread
  }
}

/** The slot of the batch, with all that is counted of it (P5), and the turn of its runner go to the one that runs. */
const passOn = (before: readonly BatchedTask[], to: TaskRecord): void => {
  const slotHolder = before.find(({ record }) => !record.has(sharesSlot))?.record
  if (slotHolder !== undefined) {
    to.bits = (to.bits & ~sharesSlot) | (slotHolder.bits & countsAsBestEffort)
    slotHolder.bits = (slotHolder.bits & ~countsAsBestEffort) | sharesSlot
  }
  const turnHolder = before.find(({ record }) => record.runner === to.runner && !record.has(sharesTurn))?.record
  if (turnHolder !== undefined && to.has(sharesTurn)) {
    to.bits &= ~sharesTurn
    turnHolder.bits |= sharesTurn
  }
}

/** From the last to the first: each goes ahead of what waits. */
const takeBack = (tasks: readonly BatchedTask[], outcomes: readonly (Settled | undefined)[]): void => {
  for (const { record, index } of tasks.toReversed()) if (outcomes[index]?.status === 'lost') record.runner.lost(record)
}
