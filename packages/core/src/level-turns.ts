import { bestEffort, userBlocking } from './traits.ts'

/** What waits, by priority. */
interface Waiting {
  waitsAt(level: number): boolean
}

/**
 * Which priority of a runner has its turn: the highest of which something waits, or one that was passed over for
 * `agingMs`, the longest of several (P4).
 */
export class LevelTurns {
  /** When each was last served; or began to wait, where it had not waited. */
  readonly #since = [0, 0, 0]

  note(level: number, now: number): void {
    this.#since[level] = now
  }

  /** -1 where nothing waits. With `holdsBestEffort` best-effort tasks have their turn only where nothing else waits. */
  next(waiting: Waiting, now: number, agingMs: number, holdsBestEffort: boolean): number {
    let best = -1
    for (let level = userBlocking; level >= bestEffort; level--) {
      if (!waiting.waitsAt(level)) continue
      const since = this.#since[level] as number
      if (best < 0) best = level
      else if ((level > bestEffort || !holdsBestEffort) && now - since >= agingMs && since < (this.#since[best] as number))
        best = level
    }
    return best
  }
}
