import type { RunnerStats } from './runner-stats.ts'
import type { RunnerKind } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'

/** The runners of one name and kind, together. */
export interface RunnerTotals {
  /** The name; the kind where they have none of their own. */
  readonly name: string
  readonly kind: RunnerKind
  completed: number
  failed: number
  cancelled: number
  timedOut: number
  pending: number
  running: number
  delayed: number
  repeating: number
}

const numbered = /^(sequenced|parallel|single-thread|keyed)-\d+$/

/**
 * What a monitoring system reads of a pool, from now until it is disposed. Counts of runners that close are taken over,
 * so that none ever goes back, and runners without a name of their own are counted together: there may be thousands of
 * them. It is told of runners only, so a task costs nothing.
 */
export class PoolTotals implements Disposable {
  readonly #pool: ThreadPool<never>
  readonly #closed = new Map<string, RunnerTotals>()
  readonly #observing: Disposable

  constructor(pool: ThreadPool<never>) {
    if (typeof pool?.addObserver !== 'function') throw new TypeError('new PoolTotals(pool) needs a ThreadPool')
    this.#pool = pool
    this.#observing = pool.addObserver({
      onRunnerClosed: ({ runner }) => addCounts(totalsOf(this.#closed, runner), runner.stats()),
    })
  }

  /** By what name a runner is counted. */
  static nameOf({ name, kind }: { readonly name: string; readonly kind: RunnerKind }): string {
    return numbered.test(name) ? kind : name
  }

  read(): readonly RunnerTotals[] {
    const totals = new Map([...this.#closed].map(([key, closed]) => [key, { ...closed }]))
    for (const runner of this.#pool.runners) {
      const stats = runner.stats()
      const one = totalsOf(totals, stats)
      addCounts(one, stats)
      one.pending += stats.pending
      one.running += stats.running
      one.delayed += stats.delayed
      one.repeating += stats.repeating
    }
    return [...totals.values()]
  }

  [Symbol.dispose](): void {
    this.#observing[Symbol.dispose]()
  }
}

const totalsOf = (
  totals: Map<string, RunnerTotals>,
  runner: { readonly name: string; readonly kind: RunnerKind },
): RunnerTotals => {
  const { kind } = runner
  const name = PoolTotals.nameOf(runner)
  const key = `${kind} ${name}`
  let one = totals.get(key)
  if (one === undefined) {
    one = { name, kind, completed: 0, failed: 0, cancelled: 0, timedOut: 0, pending: 0, running: 0, delayed: 0, repeating: 0 }
    totals.set(key, one)
  }
  return one
}

const addCounts = (totals: RunnerTotals, { completed, failed, cancelled, timedOut }: RunnerStats): void => {
  totals.completed += completed
  totals.failed += failed
  totals.cancelled += cancelled
  totals.timedOut += timedOut
}
