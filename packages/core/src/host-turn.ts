import { runNeutral } from './async-context.ts'
import type { Clock, TimerHandle } from './clock.ts'

/** Who hears that the turn has ended. */
export interface TurnListener {
  onTurnEnd(): void
}

/**
 * The turn of the host's event loop: tells when it has ended, and lets the host have another while a task is under way
 * (E3).
 */
export class HostTurn {
  /** True where its end will be noticed. */
  isWatched = false
  readonly #clock: Clock
  readonly #listeners = new Set<TurnListener>()
  #retained = 0
  #isOver = false
  #alive: TimerHandle | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One more reason to keep the process alive. */
  retain(): void {
    this.#retained++
  }

  release(): void {
    this.#retained--
    // Not at once: tasks that follow each other in one turn share one timer.
    if (this.#retained === 0 && this.#alive !== undefined) this.watch()
  }

  /** Nothing else will come in this turn: from here on only a timer keeps the process alive, if there is a reason to. */
  stayAlive(): void {
    if (this.#retained === 0 || this.#isOver || this.#alive !== undefined || this.#clock.keepAlive === undefined) return
    runNeutral(() => {
      this.#alive = this.#clock.keepAlive?.()
    })
  }

  /** From now on there are no reasons: the process may end, whatever still runs. */
  stop(): void {
    this.#isOver = true
    this.#letGo()
  }

  onEnd(listener: TurnListener): void {
    this.#listeners.add(listener)
    this.watch()
  }

  watch(): void {
    if (this.isWatched) return
    this.isWatched = true
    runNeutral(() => this.#clock.nextTurn(this.#onEnd))
  }

  readonly #onEnd = (): void => {
    this.isWatched = false
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener.onTurnEnd()
    if (this.#retained === 0) this.#letGo()
  }

  #letGo(): void {
    this.#alive?.cancel()
    this.#alive = undefined
  }
}
