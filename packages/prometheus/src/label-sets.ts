/** The labels of a metric's series, by pool: a metric forgets a series by its labels only. */
export class LabelSets<Labels extends { readonly pool: string }> {
  readonly #byPool = new Map<string, Map<string, Labels>>()

  add(labels: Labels): void {
    let sets = this.#byPool.get(labels.pool)
    if (sets === undefined) {
      sets = new Map()
      this.#byPool.set(labels.pool, sets)
    }
    sets.set(JSON.stringify(labels), labels)
  }

  /** Takes out those of a pool. */
  take(pool: string): Iterable<Labels> {
    const sets = this.#byPool.get(pool)
    this.#byPool.delete(pool)
    return sets?.values() ?? []
  }
}
