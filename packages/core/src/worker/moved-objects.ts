import { types } from 'node:util'
import { intrinsics } from '../intrinsics.ts'

const { isArrayBuffer } = types

/** Node 20 has no `ArrayBuffer.prototype.detached`. */
const isDetached = (object: unknown): boolean => {
  if (!isArrayBuffer(object) || object.byteLength > 0) return false
  try {
    new intrinsics.Uint8Array(object)
    return false
  } catch {
    return true
  }
}

/**
 * Node 20 posts what holds a buffer that was moved before, and nobody can read the message.
 *
 * @throws TypeError for such a buffer
 */
export const checkMovable = (objects: readonly object[]): void => {
  if (objects.some(isDetached)) throw new intrinsics.TypeError('an ArrayBuffer that is to be moved was moved before')
}
