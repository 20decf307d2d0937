import { intrinsics } from '../intrinsics.ts'

// oxlint-disable-next-line typescript/unbound-method -- a static function, taken when the module is loaded
const { isView } = ArrayBuffer
const { isArray } = Array

/** Is shown the parts of an object, and says whether to go on. */
interface PartVisitor {
  visit(part: unknown, level: number): boolean
}

/**
 * Shows the visitor what `value` holds, one level down. False where it wanted no more.
 *
 * @throws whatever a getter or a proxy in it throws
 */
export const visitParts = (value: object, visitor: PartVisitor, level: number): boolean => {
  if (isView(value)) return visitor.visit(value.buffer, level)
  if (isArray(value)) {
    for (const item of value) if (!visitor.visit(item, level)) return false
    return true
  }
  if (value instanceof intrinsics.Map) {
    for (const [key, item] of value) if (!visitor.visit(key, level) || !visitor.visit(item, level)) return false
  } else if (value instanceof intrinsics.Set) {
    for (const item of value) if (!visitor.visit(item, level)) return false
  }
  for (const key in value) if (!visitor.visit((value as Record<string, unknown>)[key], level)) return false
  return value instanceof intrinsics.Error ? visitor.visit(value.cause, level) : true
}

/** Goes as deep as a clone would: what was seen before is not gone into again. */
class DepthCheck implements PartVisitor {
  readonly #levels: number
  readonly #seen = new intrinsics.Set<object>()

  constructor(levels: number) {
    this.#levels = levels
  }

  visit(part: unknown, level: number): boolean {
    if (typeof part !== 'object' || part === null || this.#seen.has(part)) return true
    if (level > this.#levels) return false
    this.#seen.add(part)
    return visitParts(part, this, level + 1)
  }
}

/** True where objects are nested in it by more than so many levels. */
export const isDeeperThan = (levels: number, value: object): boolean => !new DepthCheck(levels).visit(value, 0)
