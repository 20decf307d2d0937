import { TaskSerializationError } from '../errors.ts'
import { uncloneablePath } from './uncloneable.ts'

/**
 * What to reject with where `value` could not be posted (F4).
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
  const path = uncloneablePath(value, root, transfer) ?? (transfer.length > 0 ? 'transfer' : root)
  const reason = cause instanceof Error ? cause.message : String(cause)
  const advice = path === 'transfer' ? 'move each object once, and only what can be moved' : 'pass plain data'
  return new TaskSerializationError(`${what} cannot cross between threads, because of ${path}: ${reason}; ${advice}`, path, {
    cause,
  })
}
