import { TaskSerializationError } from '../errors.ts'
import { intrinsics } from '../intrinsics.ts'
import { attempt } from './attempt.ts'
import { shortened } from './shortened.ts'
import { uncloneablePath } from './uncloneable.ts'

const reasonOf = (cause: unknown): string =>
  shortened(
    attempt(() => intrinsics.String(cause instanceof intrinsics.Error ? cause.message : cause), 'it throws when it is read'),
  )

const adviceOn = (path: string, isTooDeep: boolean): string => {
  if (isTooDeep) return 'nest it less deeply'
  return path === 'transfer' ? 'move each object once, and only what can be moved' : 'pass plain data'
}

/**
 * What to reject with where `value` could not be posted, or not be read on the other side (F4). Never throws.
 *
 * @param root how the value is called in paths: `args`, `result`
 * @param what how it is called in the message
 */
export const serializationError = (
  value: unknown,
  root: string,
  what: string,
  cause: unknown,
  transfer: readonly object[] = [],
): TaskSerializationError => {
  const culprit = uncloneablePath(value, root, transfer)
  const isTooDeep = (culprit ?? root) === root && attempt(() => cause instanceof intrinsics.RangeError, false)
  const path = culprit ?? (transfer.length > 0 && !isTooDeep ? 'transfer' : root)
  const message = `${what} cannot cross between threads, because of ${path}: ${reasonOf(cause)}; ${adviceOn(path, isTooDeep)}`
  return new TaskSerializationError(message, path, { cause })
}
