// By tags, not classes: a test runner's context has its own, and structured clone makes those of another.
const tagOf = (value: object): string => Object.prototype.toString.call(value)

/** What a value holds beside its properties. */
const contentOf = (value: object): readonly unknown[] => {
  switch (tagOf(value)) {
    case '[object Date]':
      return [Number(value)]
    case '[object Map]':
    case '[object Set]':
      return [...(value as Iterable<unknown>)]
    case '[object ArrayBuffer]':
    case '[object SharedArrayBuffer]':
      return [new Uint8Array(value as ArrayBuffer)]
    case '[object DataView]': {
      const { buffer, byteOffset, byteLength } = value as DataView
      return [new Uint8Array(buffer, byteOffset, byteLength)]
    }
    case '[object Error]':
    case '[object DOMException]': {
      const { name, message, cause } = value as Error
      return [name, message, cause, (value as { errors?: unknown }).errors]
    }
    case '[object RegExp]':
      return [(value as RegExp).source, (value as RegExp).flags]
    case '[object Number]':
    case '[object String]':
    case '[object Boolean]':
    case '[object BigInt]':
      return [value.valueOf()]
    default:
      return []
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * Whether two values are the same data: NaN is NaN, -0 is not 0, and what is undefined is not missing. Maps and sets in
 * the order of their entries.
 */
export const deepEqual = (a: unknown, b: unknown, compared: Map<object, Set<object>> = new Map()): boolean => {
  if (Object.is(a, b)) return true
  if (!isObject(a) || !isObject(b) || tagOf(a) !== tagOf(b)) return false
  const partners = compared.get(a) ?? new Set()
  // A cycle: the pair is being compared further out.
  if (partners.has(b)) return true
  compared.set(a, partners.add(b))
  const [parts, others] = [contentOf(a), contentOf(b)]
  const keys = Object.keys(a)
  return (
    parts.length === others.length &&
    parts.every((part, index) => deepEqual(part, others[index], compared)) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && deepEqual(Reflect.get(a, key), Reflect.get(b, key), compared))
  )
}
