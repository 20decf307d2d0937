import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { uncloneablePath } from '../../src/worker/uncloneable.ts'

const refuse = (): never => {
  throw new Error('trap')
}

const fails = () => {}

class Shape {
  readonly parts: readonly unknown[]

  constructor(...parts: unknown[]) {
    this.parts = parts
  }
}

describe('F4 where the thing is that cannot be cloned', () => {
  const loop: unknown[] = [1]
  loop.push(loop, { fails })

  test.each<[string, unknown]>([
    ['args', fails],
    ['args[1].b', [{ a: 1 }, { b: fails }]],
    ['args[2].fails', loop],
    ['args.parts[1].parts[0]', new Shape(1, new Shape(fails))],
    ['args.parts[0]', new Shape(new WeakMap())],
    ['args.cause.response', new Error('outer', { cause: { response: fails } })],
    ['args.keys()[0]', new Map([[fails, 1]])],
    ['args.values()[0]', new Map([[{}, fails]])],
    ['args.emitter', { emitter: new EventEmitter().on('event', fails) }],
    ['args.bad', Object.defineProperty({}, 'bad', { get: refuse, enumerable: true })],
    ['args[0]', [new Proxy([], { getPrototypeOf: refuse, ownKeys: refuse })]],
    ['args[0]', [Object.create(new Proxy({}, { getPrototypeOf: refuse }))]],
  ])('%s', (path, value) => {
    expect(uncloneablePath(value, 'args')).toBe(path)
  })

  test('the nearest of several is named', () => {
    expect(uncloneablePath([{ deep: { deeper: fails } }, fails], 'args')).toBe('args[1]')
  })

  test('nothing is to blame in what can be cloned, or is moved', () => {
    const { port1, port2 } = new MessageChannel()
    expect(uncloneablePath([new Date(), new Shape(1), { port1 }, new Error('fine')], 'args', [port1])).toBeUndefined()
    for (const port of [port1, port2]) port.close()
  })

  test('what is put on a value that is cloned without it is not to blame', () => {
    expect(
      uncloneablePath([Object.assign(new Error('fine'), { fails }), Object.assign(new Date(), { fails })], 'args'),
    ).toBeUndefined()
  })

  test('past many objects the search gives up', () => {
    let reads = 0
    const many = Array.from({ length: 150_000 }, () =>
      Object.defineProperty({}, 'read', { get: () => ++reads, enumerable: true }),
    )
    expect(uncloneablePath([...many, fails], 'args')).toBe('args')
    expect(reads).toBeLessThan(many.length)
  })
})
