import { PassThrough, Writable } from 'node:stream'
import { VirtualClock } from '@posttask/testing'
import { expect, test } from 'vitest'
import { outputLimitMs, ThreadOutput } from '../../src/worker/thread-output.ts'

/** A stdout that is full after each write, until it is told to take that one. */
class FullStream extends Writable {
  readonly taken: string[] = []
  #take: (() => void) | undefined

  constructor() {
    super({ highWaterMark: 1 })
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#take = () => {
      this.taken.push(String(chunk))
      callback()
    }
  }

  async take(): Promise<void> {
    this.#take?.()
    await settled()
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

const watch = ({ isPiped }: { isPiped: boolean } = { isPiped: true }) => {
  const [stdout, stderr, target] = [new PassThrough(), new PassThrough(), new FullStream()]
  if (isPiped) stdout.pipe(target)
  const clock = new VirtualClock()
  const output = new ThreadOutput({ stdout, stderr }, clock, { stdout: target, stderr: new FullStream() })
  const whenOut = () => {
    const state = { isOut: false }
    output.whenOut(() => (state.isOut = true))
    return state
  }
  return { stdout, target, clock, output, whenOut }
}

test('F1 where nothing was printed, or what was is out, no outcome is held up', async () => {
  const { stdout, target, output } = watch()
  expect(output.isHeld).toBe(false)
  stdout.write('a')
  await settled()
  expect(output.isHeld).toBe(true)
  await target.take()
  expect(output.isHeld).toBe(false)
})

test('F1 an outcome waits for what was printed before it, and not for what is printed later', async () => {
  const { stdout, target, whenOut } = watch()
  for (const text of ['a', 'b', 'c']) stdout.write(text)
  await settled()
  const state = whenOut()
  for (let take = 0; take < 4; take++) {
    expect(state.isOut).toBe(false)
    stdout.write('later')
    await target.take()
  }
  // The empty one tells that those before it are out.
  expect(target.taken).toEqual(['a', 'b', 'c', ''])
  expect(state.isOut).toBe(true)
})

test('F1 an outcome waits for what a thread printed into a stdout that was full before', async () => {
  const { stdout, target, output } = watch({ isPiped: false })
  target.write('of main')
  stdout.pipe(target)
  stdout.write('a')
  await settled()
  expect([target.taken, output.isHeld]).toEqual([[], true])
})

test('F1 where nobody takes what was printed, the outcome comes after a time limit', async () => {
  const { stdout, clock, whenOut } = watch()
  stdout.write('a')
  await settled()
  const state = whenOut()
  clock.advanceBy(outputLimitMs - 1)
  await settled()
  expect(state.isOut).toBe(false)
  clock.advanceBy(1)
  await settled()
  expect(state.isOut).toBe(true)
})

test('F1 a stream that its owner has not read yet is left to the owner', async () => {
  const { stdout, output } = watch({ isPiped: false })
  stdout.write('a')
  await settled()
  expect(output.isHeld).toBe(false)
  expect(String(stdout.read())).toBe('a')
})
