const shown = 5

/** How often which task ran at this instant, to name the culprit of a livelock. */
export class StepCounts {
  /** Steps since the start. */
  total = 0
  #steps = 0
  readonly #counts = new Map<string, number>()

  startInstant(): void {
    this.#steps = 0
    this.#counts.clear()
  }

  add(name: string): void {
    this.total++
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  /** One more thing ran at this instant; gives how many did. */
  addStep(): number {
    return ++this.#steps
  }

  busiest(): string {
    const counts = [...this.#counts].sort(([, a], [, b]) => b - a).slice(0, shown)
    return counts.map(([name, count]) => `${name} x${count}`).join(', ')
  }
}
