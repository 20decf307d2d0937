import * as core from '@posttask/core'
import { structuredCopy } from './structured-copy.ts'

const builtIns: ReadonlyMap<unknown, ErrorConstructor> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map((errorClass) => [
    errorClass.name,
    errorClass as ErrorConstructor,
  ]),
)

const remoteClasses = new Map<string, ErrorConstructor>()

const isError = (value: unknown): value is Error =>
  value instanceof Error || value instanceof DOMException || Object.prototype.toString.call(value) === '[object Error]'

const baseOf = (error: Error): ErrorConstructor => {
  for (let proto = error; proto !== null; proto = Object.getPrototypeOf(proto) as Error) {
    const base = builtIns.get(proto.constructor.name)
    if (base !== undefined) return base
  }
  return Error
}

/** What the other side knows of a class: a built-in one and ours are themselves, of any other the name is left. */
const arrivingClass = (error: Error): ErrorConstructor => {
  const { name } = error.constructor
  const ours: unknown = error instanceof core.PostTaskError ? Reflect.get(core, name) : undefined
  if (ours !== undefined) return ours as ErrorConstructor
  const base = baseOf(error)
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

const emptyCopy = (error: Error): Error =>
  error instanceof DOMException
    ? new DOMException(error.message, error.name)
    : // The prototype of the class, without its constructor, which may want other arguments.
      (Reflect.construct(Error, [error.message], arrivingClass(error)) as Error)

/**
 * Whatever was thrown, as it arrives from a thread: a copy with class name, message, stack, cause and own properties (F1).
 * @param copies of the errors met on the way: a cause may lead back
 * @throws TaskSerializationError where it is no error and cannot be copied
 */
export const copiedError = (thrown: unknown, copies: Map<Error, Error> = new Map()): unknown => {
  if (!isError(thrown)) return structuredCopy(thrown, 'error')
  const known = copies.get(thrown)
  if (known !== undefined) return known
  const copy = emptyCopy(thrown)
  copies.set(thrown, copy)
  const copied = (value: unknown): unknown => copiedError(value, copies)
  const copiedOrNamed = (value: unknown): unknown => {
    try {
      return copied(value)
    } catch {
      return String(value)
    }
  }
  const carry = (key: string, enumerable: boolean): void => {
    try {
      const value: unknown = Reflect.get(thrown, key)
      const carried = key === 'errors' && Array.isArray(value) ? value.map(copiedOrNamed) : copied(value)
      Object.defineProperty(copy, key, { value: carried, enumerable, writable: true, configurable: true })
    } catch {
      // What cannot cross is left out: it must not cost the rest of the error.
    }
  }
  if (copy.name !== thrown.name) carry('name', false)
  for (const key of Object.keys(thrown)) carry(key, true)
  for (const key of ['stack', 'cause', 'errors']) if (key in thrown) carry(key, false)
  return copy
}
