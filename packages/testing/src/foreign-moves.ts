import { ForeignWaitError } from './errors.ts'
import type { WorkReport } from './real-work.ts'
import type { TaskLedger } from './task-ledger.ts'

/** The moves of time past tasks that wait for something the environment does not know. */
export class ForeignMoves {
  readonly #ledger: TaskLedger
  readonly #isStrict: boolean
  readonly #names = new Set<string>()

  constructor(ledger: TaskLedger, isStrict: boolean) {
    this.#ledger = ledger
    this.#isStrict = isStrict
  }

  /**
   * To be called before time moves.
   * @throws ForeignWaitError with `strict`
   */
  note(report: () => WorkReport): void {
    if (!this.#ledger.hasForeignWait) return
    for (const { info } of this.#ledger.list()) {
      if (!info.foreign) continue
      const name = `${info.runner}/${info.name}`
      if (this.#isStrict) {
        const { text, tasks } = report()
        throw new ForeignWaitError(
          `time would move while ${name} waits for something unknown; use env.external(promise) for real work\n${text}`,
          tasks,
        )
      }
      this.#names.add(name)
    }
  }

  /** In words; undefined if there were none. */
  describe(): string | undefined {
    if (this.#names.size === 0) return undefined
    return `time moved while these waited for something the environment does not know: ${[...this.#names].join(', ')}`
  }

  /** For the error of a time limit: it may have passed because time moved. */
  explain(): string | undefined {
    const moves = this.describe()
    return moves && `${moves}; name real work with env.external(promise), fetch is named by env.installGlobals()`
  }
}
