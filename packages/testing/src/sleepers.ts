interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** Who sleeps in the body of a test: woken last at its instant, by due time, then by the order of the calls. */
export class Sleepers {
  #sleepers: Sleeper[] = []

  add(due: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ due, wake })
      this.#sleepers.sort((a, b) => a.due - b.due)
    })
  }

  get isEmpty(): boolean {
    return this.#sleepers.length === 0
  }

  get nextDue(): number | undefined {
    return this.#sleepers[0]?.due
  }

  /** Wakes the first, if it is due. */
  wakeDue(now: number): boolean {
    const { nextDue } = this
    if (nextDue === undefined || nextDue > now) return false
    this.#sleepers.shift()?.wake()
    return true
  }

  clear(): void {
    this.#sleepers = []
  }

  describe(): readonly string[] {
    return this.#sleepers.map(({ due }) => `sleep until t=${due}`)
  }
}
