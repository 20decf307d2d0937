import { assertEqual, ConformanceFailure } from '@posttask/testing/conformance'
import { expect, test } from 'vitest'

const circular = (name: string): object => {
  const object: Record<string, unknown> = { name }
  object['self'] = object
  return object
}

test.for<[what: string, actual: unknown, expected: unknown]>([
  ['-0 and 0', -0, 0],
  ['NaN and null', [Number.NaN], [null]],
  ['undefined and missing', { a: undefined }, {}],
  ['undefined and null', [undefined], [null]],
  ['undefined under another key', { a: undefined }, { b: undefined }],
  ['maps of different entries', new Map([[1, 'a']]), new Map([[1, 'b']])],
  ['sets of different size', new Set([1]), new Set([1, 2])],
  ['a map and an object', new Map(), {}],
  ['a date and its text', new Date(0), new Date(0).toJSON()],
  ['two dates', new Date(0), new Date(1)],
  ['two regular expressions', /a/, /a/i],
  ['two kinds of bytes', new Uint8Array([1]), new Int8Array([1])],
  ['bytes', new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ['errors of different message', new Error('a'), new Error('b')],
  ['a boxed number and another', Object(1), Object(2)],
  ['an array and an object', [1], { 0: 1 }],
  ['functions', () => 1, () => 1],
  ['cycles of different names', circular('a'), circular('b')],
])('tells apart %s', ([what, actual, expected]) => {
  expect(() => assertEqual(actual, expected, what)).toThrow(ConformanceFailure)
  expect(() => assertEqual(expected, actual, what)).toThrow(ConformanceFailure)
})

test('what was cloned is equal to what it was made of', () => {
  const value = {
    numbers: [-0, Number.NaN, 2n],
    nothing: undefined,
    map: new Map([[{ key: 1 }, new Set([1])]]),
    date: new Date(0),
    pattern: /a/i,
    bytes: [new Uint8Array([1]), new ArrayBuffer(2), new DataView(new ArrayBuffer(3))],
    error: new TypeError('failed', { cause: 1 }),
    circular: circular('a'),
  }
  assertEqual(structuredClone(value), value, 'the clone')
})

test('cycles of different length are compared to an end', () => {
  const short: Record<string, unknown> = {}
  short['next'] = short
  const long: Record<string, unknown> = { next: {} }
  Object.assign(long['next'] as object, { next: long })
  assertEqual(short, long, 'the cycle')
})

test('a difference that JSON does not show is shown', () => {
  expect(() => assertEqual([-0, undefined], [0, null], 'the list')).toThrow(
    'the list: expected [ 0, null ], got [ -0, undefined ]',
  )
})
