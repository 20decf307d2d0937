import * as coreErrors from '../errors.ts'
import { TaskSerializationError } from '../errors.ts'
import { uncloneablePath } from './uncloneable.ts'

type EncodedValue = { readonly error: number } | { readonly value: unknown }

interface EncodedError {
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
  readonly own: readonly (readonly [key: string, value: EncodedValue])[]
}

/** Whatever was thrown, as data that always can be cloned. Errors are listed once, so cycles of causes survive. */
export interface EncodedThrown {
  readonly errors: readonly EncodedError[]
  readonly root: EncodedValue
}

const builtIns: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map((errorClass) => [
    errorClass.name,
    errorClass as ErrorConstructor,
  ]),
)

const ourClasses: ReadonlyMap<string, unknown> = new Map(Object.entries(coreErrors))

const carriedApart = new Set(['message', 'stack', 'cause', 'errors'])

/** A property of a foreign error may be a getter, or the error a proxy, that throws. */
const read = (target: object, key: PropertyKey): unknown => {
  try {
    return Reflect.get(target, key)
  } catch {
    return undefined
  }
}

const text = (value: unknown): string => {
  try {
    return String(value)
  } catch {
    return ''
  }
}

const isError = (value: unknown): value is Error => {
  try {
    return value instanceof Error || value instanceof DOMException || Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}

const baseOf = (error: object): string => {
  if (error instanceof DOMException) return 'DOMException'
  for (let proto: unknown = error; typeof proto === 'object' && proto !== null; proto = Object.getPrototypeOf(proto)) {
    const { name } = (read(proto, 'constructor') ?? {}) as { name?: unknown }
    if (typeof name === 'string' && builtIns.has(name)) return name
  }
  return 'Error'
}

class ThrownEncoder {
  readonly errors: EncodedError[] = []
  readonly #known = new Map<object, number>()

  /** Undefined where the value cannot cross. */
  encode(value: unknown): EncodedValue | undefined {
    if (isError(value)) return { error: this.#error(value) }
    if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol') {
      try {
        return { value: structuredClone(value) }
      } catch {
        return undefined
      }
    }
    return { value }
  }

  #error(error: Error): number {
    const known = this.#known.get(error)
    if (known !== undefined) return known
    const index = this.errors.length
    this.#known.set(error, index)
    // Keeps the place: a cause may lead back here.
    this.errors.push(undefined as never)
    const base = baseOf(error)
    const ownClass = read(error, 'constructor') as { name?: unknown } | undefined
    const stack = read(error, 'stack')
    const errors = read(error, 'errors')
    this.errors[index] = {
      base,
      className: typeof ownClass?.name === 'string' && ownClass.name !== '' ? ownClass.name : base,
      isOurs: error instanceof coreErrors.PostTaskError,
      name: base === 'DOMException' ? error.name : this.#name(error, base),
      message: text(read(error, 'message') ?? ''),
      stack: stack === undefined ? undefined : text(stack),
      cause: 'cause' in error ? this.encode(read(error, 'cause')) : undefined,
      errors: Array.isArray(errors) ? errors.map((item) => this.encode(item) ?? { value: text(item) }) : undefined,
      own: base === 'DOMException' ? [] : this.#own(error),
    }
    return index
  }

  #name(error: Error, base: string): string | undefined {
    const name = read(error, 'name')
    return typeof name === 'string' && name !== builtIns.get(base)?.prototype.name ? name : undefined
  }

  /** What cannot cross is left out: it must not cost the rest of the error. */
  #own(error: Error): [string, EncodedValue][] {
    const own: [string, EncodedValue][] = []
    for (const key of Object.keys(error)) {
      if (carriedApart.has(key)) continue
      const value = this.encode(read(error, key))
      if (value !== undefined) own.push([key, value])
    }
    return own
  }
}

/** Anything that was thrown, as data for the other side of a thread (F1). */
export const encodeThrown = (thrown: unknown): EncodedThrown => {
  const encoder = new ThrownEncoder()
  const root = encoder.encode(thrown)
  if (root !== undefined) return { errors: encoder.errors, root }
  const path = uncloneablePath(thrown, 'error') ?? 'error'
  return encodeThrown(
    new TaskSerializationError(`the task threw a value that cannot leave its thread: ${path}; throw an Error`, path),
  )
}

const remoteClasses = new Map<string, ErrorConstructor>()

/** A class of the same name: the real one is known on the other side only. */
const remoteClass = (base: ErrorConstructor, name: string): ErrorConstructor => {
  if (base.name === name) return base
  const key = `${base.name} ${name}`
  let remote = remoteClasses.get(key)
  if (remote === undefined) {
    remote = class extends base {} as ErrorConstructor
    Object.defineProperty(remote, 'name', { value: name })
    remoteClasses.set(key, remote)
  }
  return remote
}

const define = (error: object, key: string, value: unknown, enumerable: boolean): void => {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
}

const makeError = ({ base, className, isOurs, message, name, stack }: EncodedError): Error => {
  if (base === 'DOMException') {
    const exception = new DOMException(message, name)
    if (stack !== undefined) define(exception, 'stack', stack, false)
    return exception
  }
  const builtIn = builtIns.get(base) ?? Error
  const ours = isOurs ? ourClasses.get(className) : undefined
  // Builds a real error with the prototype of its class, without running a constructor that wants other arguments.
  const target = (ours ?? remoteClass(builtIn, className)) as ErrorConstructor
  const error = Reflect.construct(Error, [message], target) as Error
  if (name !== undefined && name !== error.name) define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  return error
}

/**
 * The error, or whatever it was, with class name, message, stack, causes and own properties (F1). Built-in classes and
 * ours are revived as such; of any other, a class of that name below the nearest built-in one.
 */
export const decodeThrown = ({ errors: encoded, root }: EncodedThrown): unknown => {
  const errors = encoded.map(makeError)
  const decode = (value: EncodedValue): unknown => ('error' in value ? errors[value.error] : value.value)
  for (const [index, { cause, errors: inner, own }] of encoded.entries()) {
    const error = errors[index] as Error
    for (const [key, value] of own) define(error, key, decode(value), true)
    if (cause !== undefined) define(error, 'cause', decode(cause), false)
    if (inner !== undefined) define(error, 'errors', inner.map(decode), false)
  }
  return decode(root)
}
