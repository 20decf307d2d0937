import { EventEmitter } from 'node:events'

const isIdentifier = /^[A-Za-z_$][\w$]*$/

const step = (path: string, key: string): string =>
  isIdentifier.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`

const canClone = (value: unknown, transfer: readonly object[]): boolean => {
  if (transfer.includes(value as object)) return true
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** A socket or stream is named itself, not some listener deep inside. */
const isOpaque = (value: object): boolean => value instanceof EventEmitter || value instanceof EventTarget

function* childrenOf(value: object, path: string): Generator<readonly [unknown, string]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield [item, `${path}[${index}]`]
  } else if (value instanceof Map) {
    let index = 0
    for (const [key, item] of value) {
      yield [key, `${path}.keys()[${index}]`]
      yield [item, typeof key === 'string' ? `${path}.get(${JSON.stringify(key)})` : `${path}.values()[${index}]`]
      index++
    }
  } else if (value instanceof Set) {
    let index = 0
    for (const item of value) yield [item, `${path}.values()[${index++}]`]
  } else if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) yield [Reflect.get(value, key), step(path, key)]
  }
}

const find = (value: unknown, path: string, transfer: readonly object[], seen: Set<object>): string | undefined => {
  if (typeof value === 'function' || typeof value === 'symbol') return path
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  seen.add(value)
  if (canClone(value, transfer)) return undefined
  if (isOpaque(value)) return path
  for (const [child, childPath] of childrenOf(value, path)) {
    const found = find(child, childPath, transfer, seen)
    if (found !== undefined) return found
  }
  // A container whose parts all can cross only failed for what is moved with it.
  return transfer.length > 0 && Object.keys(value).length > 0 ? undefined : path
}

/**
 * Where in `value` the thing is that structured clone refuses, such as `args[0].items[3].callback`. Only called once
 * cloning has failed: it costs a clone per level. Undefined where no part of it is to blame (F4).
 */
export const uncloneablePath = (value: unknown, path: string, transfer: readonly object[] = []): string | undefined =>
  find(value, path, transfer, new Set())
