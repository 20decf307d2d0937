interface Asker {
  readonly grant: () => void
  readonly refuse: (error: Error) => void
}

/**
 * Who waits for room in a bounded queue (Q1), first come, first served. A grant holds its place until the post that
 * it was given for, or until the turn ends: otherwise everybody who waits would post into one free place.
 */
export class QueueRoom {
  readonly #askers: Asker[] = []
  #granted = 0

  get isAwaited(): boolean {
    return this.#askers.length > 0
  }

  /** True where a post finds room now, given what is free. */
  has(free: number): boolean {
    return this.#askers.length === 0 && free > this.#granted
  }

  take(): void {
    this.#granted++
  }

  wait(): Promise<void> {
    return new Promise((grant, refuse) => {
      this.#askers.push({ grant, refuse })
    })
  }

  /** Room came free. True where somebody was given a place, which then ends with the turn. */
  offer(free: number): boolean {
    const before = this.#granted
    while (free > this.#granted) {
      const asker = this.#askers.shift()
      if (asker === undefined) break
      this.#granted++
      asker.grant()
    }
    return this.#granted > before
  }

  posted(): void {
    if (this.#granted > 0) this.#granted--
  }

  endTurn(): void {
    this.#granted = 0
  }

  close(error: Error): void {
    for (const { refuse } of this.#askers.splice(0)) refuse(error)
  }
}
