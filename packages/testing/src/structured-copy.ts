import { TaskSerializationError } from '@posttask/core'

const offendingPath = (value: unknown, path: string, seen: Set<unknown> = new Set()): string => {
  if (typeof value !== 'object' || value === null || seen.has(value)) return path
  seen.add(value)
  for (const key of Object.keys(value)) {
    let inner: unknown
    try {
      inner = Reflect.get(value, key)
      structuredClone(inner)
    } catch {
      return offendingPath(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, seen)
    }
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
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TaskSerializationError(`${where} cannot be copied to another thread: ${reason}`, where, { cause })
  }
}
