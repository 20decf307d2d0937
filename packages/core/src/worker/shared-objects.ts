/**
 * Watches that no two tasks of one message share an object. A message clones a repeated object once, so the second
 * task would see what the first did to it.
 */
export class SharedObjects {
  readonly #owner = new Map<object, number>()
  #task = 0

  /** False where an argument holds an object of an earlier task: this task needs a message of its own. */
  add(args: readonly unknown[]): boolean {
    this.#task++
    for (const arg of args) if (!this.#addAll(arg)) return false
    return true
  }

  clear(): void {
    this.#owner.clear()
  }

  #addAll(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true
    const owner = this.#owner.get(value)
    if (owner !== undefined) return owner === this.#task
    this.#owner.set(value, this.#task)
    if (ArrayBuffer.isView(value)) return this.#addAll(value.buffer)
    if (Array.isArray(value)) {
      for (const item of value) if (!this.#addAll(item)) return false
      return true
    }
    if (value instanceof Map) {
      for (const [key, item] of value) if (!this.#addAll(key) || !this.#addAll(item)) return false
    } else if (value instanceof Set) {
      for (const item of value) if (!this.#addAll(item)) return false
    }
    for (const key in value) if (!this.#addAll((value as Record<string, unknown>)[key])) return false
    return value instanceof Error ? this.#addAll(value.cause) : true
  }
}
