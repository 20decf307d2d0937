import { intrinsics } from '../intrinsics.ts'
import { attempt } from './attempt.ts'
import { builtInErrors, ourErrors } from './built-in-errors.ts'
import type { EncodedContainer, EncodedError, EncodedThrown, EncodedValue } from './encode-thrown.ts'

const { DOMException } = globalThis
const { defineProperty } = Object
const { construct } = Reflect

const remoteClasses = new Map<string, ErrorConstructor>()

/** A class of the same name: the real one is known on the other side only. */
const remoteClass = (base: ErrorConstructor, name: string): ErrorConstructor => {
  if (base.name === name) return base
  const key = `${base.name} ${name}`
  let remote = remoteClasses.get(key)
  if (remote === undefined) {
    remote = class extends base {} as ErrorConstructor
    defineProperty(remote, 'name', { value: name })
    remoteClasses.set(key, remote)
  }
  return remote
}

const define = (object: object, key: string, value: unknown, enumerable: boolean): void => {
  defineProperty(object, key, { value, enumerable, writable: true, configurable: true })
}

/** The stack that is there is made for it, by an `Error.prepareStackTrace` of a task's that may throw. */
const defineStack = (error: object, stack: string | undefined): void =>
  attempt(() => define(error, 'stack', stack, false), undefined)

const makeError = ({ base, className, isOurs, message, name, stack }: EncodedError): Error => {
  if (base === 'DOMException') {
    const exception = new DOMException(message, name)
    if (stack !== undefined) defineStack(exception, stack)
    return exception
  }
  const builtIn = builtInErrors.get(base) ?? intrinsics.Error
  const ours = isOurs ? ourErrors.get(className) : undefined
  // Builds a real error with the prototype of its class, without running a constructor that wants other arguments.
  const target = (ours ?? remoteClass(builtIn, className)) as ErrorConstructor
  const error = construct(intrinsics.Error, [message], target) as Error
  if (name !== undefined && name !== error.name) define(error, 'name', name, false)
  defineStack(error, stack)
  return error
}

const makeObject = (encoded: EncodedError | EncodedContainer): object => {
  if ('base' in encoded) return makeError(encoded)
  return encoded.isArray ? [] : {}
}

/**
 * The error, or whatever it was, with class name, message, stack, causes and own properties (F1). Built-in classes and
 * ours are revived as such; of any other, a class of that name below the nearest built-in one.
 */
export const decodeThrown = ({ objects: encoded, root }: EncodedThrown): unknown => {
  const objects = encoded.map(makeObject)
  const decode = (value: EncodedValue): unknown => ('object' in value ? objects[value.object] : value.value)
  for (const [index, from] of encoded.entries()) {
    const object = objects[index] as object
    for (const [key, value] of from.own) define(object, key, decode(value), true)
    if (!('base' in from)) continue
    if (from.cause !== undefined) define(object, 'cause', decode(from.cause), false)
    if (from.errors !== undefined) define(object, 'errors', from.errors.map(decode), false)
  }
  return decode(root)
}
