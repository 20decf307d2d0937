/** Keeps the `size` items of the greatest weights. What is not kept costs a comparison. */
export class Greatest<T> {
  readonly #size: number
  readonly #kept: { readonly weight: number; readonly item: T }[] = []
  /** Where the least of a full list is. */
  #least = 0

  constructor(size: number) {
    this.#size = size
  }

  /** False for what `add` would not keep: then its item need not be made. */
  accepts(weight: number): boolean {
    return this.#kept.length < this.#size || weight > (this.#kept[this.#least]?.weight ?? Number.POSITIVE_INFINITY)
  }

  add(weight: number, item: T): void {
    if (!this.accepts(weight)) return
    if (this.#kept.length < this.#size) this.#kept.push({ weight, item })
    else this.#kept[this.#least] = { weight, item }
    if (this.#kept.length === this.#size) this.#findLeast()
  }

  /** In no order. */
  items(): T[] {
    return this.#kept.map(({ item }) => item)
  }

  #findLeast(): void {
    let least = Number.POSITIVE_INFINITY
    for (const [index, { weight }] of this.#kept.entries()) {
      if (weight >= least) continue
      least = weight
      this.#least = index
    }
  }
}
