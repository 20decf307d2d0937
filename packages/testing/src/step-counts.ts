const shown = 5

/** How often which task ran at this instant, to name the culprit of a livelock. */
export class StepCounts {
  /** Starts and continuations of tasks, and timers of the code under test, since the start. */
  total = 0
  #steps = 0
  readonly #counts = new Map<string, number>()

  startInstant(): void {
    this.#steps = 0
    this.#counts.clear()
  }

  /** A task starts or goes on. */
  add(name: string): void {
    this.total++
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  /** A timer that the code under test has set. */
  addTimer(): void {
    this.total++
  }

  /** One more thing ran at this instant; gives how many did. */
  addStep(): number {
    return ++this.#steps
  }

  busiest(): string {
    if (this.#counts.size === 0) return 'no task starts'
    const counts = [...this.#counts].sort(([, a], [, b]) => b - a).slice(0, shown)
    return counts.map(([name, count]) => `${name} x${count}`).join(', ')
  }
}
