import { TaskTimeoutError } from '@posttask/core'
import { expect, test } from 'vitest'
import { decodeThrown } from '../../src/worker/decode-thrown.ts'
import { encodeThrown } from '../../src/worker/encode-thrown.ts'

/** As it crosses: through a clone. */
const crossed = (thrown: unknown): unknown => decodeThrown(structuredClone(encodeThrown(thrown)))

test('F1 an own property `__proto__` stays one, and is no prototype on the other side', () => {
  const error = new Error('hostile')
  Object.defineProperty(error, '__proto__', { value: { isAdmin: true }, enumerable: true })
  const copy = crossed(error) as Error & { isAdmin?: boolean }
  expect(copy).toBeInstanceOf(Error)
  expect(copy.isAdmin).toBeUndefined()
  expect(Object.getOwnPropertyDescriptor(copy, '__proto__')?.value).toEqual({ isAdmin: true })
})

test("F1 a class of the user's that is called like one of ours is none of ours", () => {
  const theirs = { TaskTimeoutError: class TaskTimeoutError extends RangeError {} }.TaskTimeoutError
  const copy = crossed(new theirs('not ours')) as Error
  expect(copy).toBeInstanceOf(RangeError)
  expect(copy).not.toBeInstanceOf(TaskTimeoutError)
  expect([copy.constructor.name, copy.message]).toEqual(['TaskTimeoutError', 'not ours'])
})
