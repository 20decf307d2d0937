import { PostTaskError, TaskSerializationError } from '../errors.ts'
import { intrinsics } from '../intrinsics.ts'
import { attempt } from './attempt.ts'
import { builtInErrors } from './built-in-errors.ts'
import { isDeeperThan } from './object-parts.ts'
import { uncloneablePath } from './uncloneable.ts'

const { DOMException, structuredClone } = globalThis
const { getPrototypeOf, keys, prototype: objectPrototype } = Object
const { isArray } = Array
const { get } = Reflect
// oxlint-disable-next-line typescript/unbound-method -- a static function, taken when the module is loaded
const tagOf = objectPrototype.toString

/** A value, or the place of an object in the list. */
export type EncodedValue = { readonly object: number } | { readonly value: unknown }

type EncodedProperties = readonly (readonly [key: string, value: EncodedValue])[]

export interface EncodedError {
  /** The nearest built-in class, or `DOMException`. */
  readonly base: string
  /** The name of its own class. */
  readonly className: string
  readonly isOurs: boolean
  readonly name: string | undefined
  readonly message: string
  readonly stack: string | undefined
  readonly cause: EncodedValue | undefined
  readonly errors: readonly EncodedValue[] | undefined
  readonly own: EncodedProperties
}

/** A plain object or array, on an error, that cannot be cloned as a whole. */
export interface EncodedContainer {
  readonly isArray: boolean
  readonly own: EncodedProperties
}

/** Whatever was thrown, as data that always can be cloned. Errors are listed once, so cycles of causes survive. */
export interface EncodedThrown {
  readonly objects: readonly (EncodedError | EncodedContainer)[]
  readonly root: EncodedValue
}

/** What is nested deeper might not be readable on the other side, whose stack may be smaller. */
const deepestValue = 500

/** A getter may give a new cause each time. */
const mostObjects = 10_000

const carriedApart = new Set(['message', 'stack', 'cause'])

const read = (target: unknown, key: PropertyKey): unknown => attempt(() => get(target as object, key), undefined)

const text = (value: unknown): string => attempt(() => intrinsics.String(value), '')

const isError = (value: unknown): value is Error =>
  attempt(
    () => value instanceof intrinsics.Error || value instanceof DOMException || tagOf.call(value) === '[object Error]',
    false,
  )

const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')

const isTooDeep = (value: object): boolean => attempt(() => isDeeperThan(deepestValue, value), false)

const isContainer = (value: object): boolean =>
  attempt(() => isArray(value) || [null, objectPrototype].includes(getPrototypeOf(value)), false)

const baseOf = (error: object): string => {
  if (error instanceof DOMException) return 'DOMException'
  for (let proto: unknown = error; typeof proto === 'object' && proto !== null; proto = getPrototypeOf(proto)) {
    const name = read(read(proto, 'constructor'), 'name')
    if (typeof name === 'string' && builtInErrors.has(name)) return name
  }
  return 'Error'
}

const nameOf = (error: Error, base: string): string | undefined => {
  const name = read(error, 'name')
  return typeof name === 'string' && name !== builtInErrors.get(base)?.prototype.name ? name : undefined
}

class ThrownEncoder {
  /** Objects and their places in the list. */
  readonly #known = new intrinsics.Map<object, number>()

  /** Undefined where it cannot cross. */
  encode(thrown: unknown): EncodedThrown | undefined {
    const root = isError(thrown) ? this.#list(thrown) : this.#clone(thrown)
    if (root === undefined) return undefined
    const objects: (EncodedError | EncodedContainer)[] = []
    // Grows on the way.
    for (const object of this.#known.keys()) objects.push(isError(object) ? this.#error(object) : this.#container(object))
    return { objects, root }
  }

  /** A container that cannot be cloned crosses without what is to blame. */
  #value(value: unknown): EncodedValue | undefined {
    if (isError(value)) return this.#list(value)
    const copy = this.#clone(value)
    const isToSplit = copy === undefined && typeof value === 'object' && value !== null && isContainer(value) && !isTooDeep(value)
    return isToSplit ? this.#list(value) : copy
  }

  /** Containers in it are split as well: whether an error in them can be cloned, and is another one then, differs by host. */
  #part(value: unknown): EncodedValue | undefined {
    const isToSplit = typeof value === 'object' && value !== null && isContainer(value)
    return (isToSplit ? this.#list(value) : undefined) ?? this.#value(value)
  }

  #clone(value: unknown): EncodedValue | undefined {
    if (typeof value === 'object' && value !== null && isTooDeep(value)) return undefined
    return attempt(() => ({ value: isPrimitive(value) ? value : (structuredClone(value) as unknown) }), undefined)
  }

  #list(object: object): EncodedValue | undefined {
    const known = this.#known.get(object)
    if (known !== undefined) return { object: known }
    const place = this.#known.size
    if (place === mostObjects) return undefined
    this.#known.set(object, place)
    return { object: place }
  }

  #error(error: Error): EncodedError {
    const base = attempt(() => baseOf(error), 'Error')
    const className = read(read(error, 'constructor'), 'name')
    const stack = read(error, 'stack')
    const errors = read(error, 'errors')
    const isList = attempt(() => isArray(errors), false)
    const hasCause = attempt(() => 'cause' in error, false)
    return {
      base,
      className: typeof className === 'string' && className !== '' ? className : base,
      isOurs: attempt(() => error instanceof PostTaskError, false),
      name: base === 'DOMException' ? text(read(error, 'name')) : nameOf(error, base),
      message: text(read(error, 'message') ?? ''),
      stack: stack === undefined ? undefined : text(stack),
      cause: hasCause ? this.#value(read(error, 'cause')) : undefined,
      errors: isList
        ? attempt(() => (errors as unknown[]).map((item) => this.#value(item) ?? { value: text(item) }), [])
        : undefined,
      own: this.#own(
        error,
        (value) => this.#value(value),
        (key) => carriedApart.has(key) || (key === 'errors' && isList),
      ),
    }
  }

  #container(object: object): EncodedContainer {
    return { isArray: isArray(object), own: this.#own(object, (value) => this.#part(value)) }
  }

  /** What cannot cross is left out: it must not cost the rest of the error. */
  #own(
    object: object,
    encode: (value: unknown) => EncodedValue | undefined,
    isApart: (key: string) => boolean = () => false,
  ): EncodedProperties {
    const own: [string, EncodedValue][] = []
    for (const key of attempt(() => keys(object), [])) {
      if (isApart(key)) continue
      const value = encode(read(object, key))
      if (value !== undefined) own.push([key, value])
    }
    return own
  }
}

/** Anything that was thrown, as data for the other side of a thread (F1). Never throws. */
export const encodeThrown = (thrown: unknown): EncodedThrown => {
  const encoded = attempt(() => new ThrownEncoder().encode(thrown), undefined)
  if (encoded !== undefined) return encoded
  const path = uncloneablePath(thrown, 'error')
  const reason = path ?? 'it is nested too deeply'
  const message = `the task threw a value that cannot leave its thread: ${reason}; throw an Error`
  return new ThrownEncoder().encode(new TaskSerializationError(message, path ?? 'error')) as EncodedThrown
}
