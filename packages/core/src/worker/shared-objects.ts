import { visitParts } from './object-parts.ts'

/** What is nested deeper may be what the other side cannot read. */
const deepest = 100

/**
 * Watches that no two tasks of one message share an object. A message clones a repeated object once, so the second
 * task would see what the first did to it.
 */
export class SharedObjects {
  readonly #owner = new Map<object, number>()
  #task = 0
  /** It is not known all that the last task holds. */
  #isUnsure = false

  /** False where this task needs a message of its own: it holds an object of an earlier task, or may harm its message. */
  add(args: readonly unknown[]): boolean {
    if (this.#isUnsure) return false
    this.#task++
    try {
      this.#isUnsure = !args.every((arg) => this.visit(arg, 0))
    } catch {
      // It will fail when it is posted, and must hurt no other.
      this.#isUnsure = true
    }
    return !this.#isUnsure
  }

  clear(): void {
    this.#owner.clear()
    this.#isUnsure = false
  }

  /** False where the task cannot go with the earlier ones. */
  visit(value: unknown, level: number): boolean {
    if (typeof value !== 'object' || value === null) return true
    const owner = this.#owner.get(value)
    if (owner !== undefined) return owner === this.#task
    if (level > deepest) return false
    this.#owner.set(value, this.#task)
    return visitParts(value, this, level + 1)
  }
}
