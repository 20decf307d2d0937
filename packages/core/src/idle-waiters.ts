import type { TaskRecord } from './task-record.ts'

interface Waiter {
  /** Waits for the tasks with an order below this one. */
  readonly until: number
  /** How many of them, behind those of the waiter before, have not settled. */
  unsettled: number
  readonly done: PromiseWithResolver
}

interface PromiseWithResolver {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

const withResolver = (): PromiseWithResolver => {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}

/**
 * Who waits for everything posted before now (W1), without holding anything back: each waiter counts down the tasks
 * between the waiter before it and itself. O(1) where nobody waits, else O(log waiters) for a task that settles.
 */
export class IdleWaiters {
  readonly #waiters: Waiter[] = []
  #counted = 0

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  /** Resolves when the `unsettled` tasks with an order below `until` have settled. */
  wait(until: number, unsettled: number): Promise<void> {
    const last = this.#waiters.at(-1)
    if (last?.until === until) return last.done.promise
    if (unsettled === 0) return Promise.resolve()
    const waiter = { until, unsettled: unsettled - this.#counted, done: withResolver() }
    this.#counted = unsettled
    this.#waiters.push(waiter)
    return waiter.done.promise
  }

  /** A task joined ahead of all others: everybody waits for it too. */
  joined(): void {
    const first = this.#waiters[0]
    if (first === undefined) return
    first.unsettled++
    this.#counted++
  }

  settled(record: TaskRecord): void {
    const waiters = this.#waiters
    let low = 0
    for (let high = waiters.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((waiters[middle] as Waiter).until > record.order) high = middle
      else low = middle + 1
    }
    const waiter = waiters[low]
    if (waiter === undefined) return
    waiter.unsettled--
    this.#counted--
    while (waiters[0]?.unsettled === 0) waiters.shift()?.done.resolve()
  }
}
