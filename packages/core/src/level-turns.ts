import { liftOf } from './aging.ts'
import { bestEffort, userBlocking } from './traits.ts'

/** What waits, by priority. */
interface Waiting {
  waitsAt(level: number): boolean
}

/**
 * Which priority of a runner has its turn. Each ages as a runner does (P4): from when its first task began to wait, or from
 * when one of it was last served, it rises one level for each `agingMs`. Of two that are equal then, the one that has
 * waited longer goes first.
 */
export class LevelTurns {
  /** Since when each has waited. */
  readonly #since = [0, 0, 0]

  note(level: number, now: number): void {
    this.#since[level] = now
  }

  /** -1 if nothing waits. With `holdsBestEffort` best-effort tasks have their turn only if nothing else waits. */
  next(waiting: Waiting, now: number, agingMs: number, holdsBestEffort: boolean): number {
    let best = -1
    let bestLevel = -1
    for (let level = userBlocking; level >= bestEffort; level--) {
      if (!waiting.waitsAt(level) || (level === bestEffort && holdsBestEffort && best >= 0)) continue
      const since = this.#since[level] as number
      const effective = Math.min(userBlocking, level + liftOf(now - since, agingMs))
      if (effective > bestLevel || (effective === bestLevel && since < (this.#since[best] as number))) {
        best = level
        bestLevel = effective
      }
    }
    return best
  }
}
