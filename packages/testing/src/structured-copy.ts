import { TaskSerializationError } from '@posttask/core'

const isCloneable = (value: unknown): boolean => {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

const offendingPath = (value: unknown, path: string, seen: Set<unknown> = new Set()): string => {
  if (typeof value !== 'object' || value === null || seen.has(value)) return path
  seen.add(value)
  for (const [key, inner] of Object.entries(value)) {
    if (isCloneable(inner)) continue
    return offendingPath(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, seen)
  }
  return path
}

/**
 * What arrives on the other side of a thread boundary.
 * @throws TaskSerializationError that names the offending path (F4)
 */
export const structuredCopy = <T>(value: T, path: string, transfer: readonly object[] = []): T => {
  try {
    return structuredClone(value, { transfer: transfer as ArrayBuffer[] })
  } catch (cause) {
    const where = offendingPath(value, path)
    throw new TaskSerializationError(`${where} cannot be copied to another thread: ${(cause as Error).message}`, where, { cause })
  }
}

/** A user's error as it arrives from a thread: a copy with the same class name, message, stack, cause and properties (F1). */
export const copiedError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return structuredCopy(error, 'error')
  const copy = new Error(error.message)
  const own = Object.fromEntries(Object.entries(error).filter(([, value]) => isCloneable(value)))
  Object.assign(copy, structuredClone(own))
  Object.defineProperty(copy, 'name', { value: error.name, configurable: true, writable: true })
  Object.defineProperty(copy, 'stack', { value: error.stack, configurable: true, writable: true })
  if ('cause' in error)
    Object.defineProperty(copy, 'cause', { value: copiedError(error.cause), configurable: true, writable: true })
  return copy
}
