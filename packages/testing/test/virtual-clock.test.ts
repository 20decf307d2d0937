import { readFile } from 'node:fs/promises'
import { SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { createTestEnvironment, VirtualClock } from '@posttask/testing'
import { expect, test } from 'vitest'
import type * as Numbers from './fixtures/numbers.ts'

test('D1 timers fall due in order of time, then of setting; cancelled ones never', () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  const note = (name: string) => (): void => void seen.push(`${name} ${clock.now()}`)
  clock.setTimer(20, note('c'))
  clock.setTimer(10, note('a'))
  const cancelled = clock.setTimer(10, note('never'))
  clock.setTimer(10, note('b'))
  cancelled.cancel()
  expect(clock.nextDeadline()).toBe(10)
  clock.advanceBy(9.5)
  expect(seen).toEqual([])
  clock.advanceBy(10.5)
  expect(seen).toEqual(['a 10', 'b 10', 'c 20'])
  expect(clock.nextDeadline()).toBeUndefined()
})

test('a timer that fell due but has not run can still be cancelled', () => {
  const clock = new VirtualClock()
  let ran = false
  const timer = clock.setTimer(5, () => void (ran = true))
  clock.moveTo(5)
  expect(clock.ready).toHaveLength(1)
  timer.cancel()
  expect(clock.ready).toHaveLength(0)
  clock.advanceBy(5)
  expect(ran).toBe(false)
})

test('a thousand timers in random order fall due in order', () => {
  const clock = new VirtualClock()
  const seen: number[] = []
  for (let index = 0; index < 1000; index++) {
    const due = (index * 7919) % 1009
    clock.setTimer(due, () => void seen.push(due))
  }
  clock.advanceBy(1009)
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(seen).toHaveLength(1000)
})

test('time never goes back, and is a finite number', () => {
  const clock = new VirtualClock()
  clock.advanceBy(10)
  expect(() => clock.moveTo(9)).toThrow(RangeError)
  expect(() => clock.setTimer(Number.NaN, () => {})).toThrow(RangeError)
  expect(() => new VirtualClock({ epoch: Number.NaN })).toThrow(RangeError)
  expect(new VirtualClock().wallNow()).toBe(Date.UTC(2000, 0, 1))
  clock.setWallClock(1000)
  expect([clock.now(), clock.wallNow()]).toEqual([10, 1000])
})

const numbers = taskModule<typeof Numbers>(new URL('./fixtures/numbers.ts', import.meta.url))

test('a pool of modelled threads has so many tasks at a time, each with its cost', async () => {
  await using env = createTestEnvironment({ seed: 7 })
  const pool = env.createPool({ workers: 2, cost: [10, 10] })
  const outcomes = [1, 2, 3].map((n) => new SequencedTaskRunner(pool).run(numbers.double(n)))
  await env.advanceBy(10)
  expect(pool.stats().active).toBe(1)
  await env.advanceBy(10)
  expect(await Promise.all(outcomes)).toEqual([2, 4, 6])
})

test('a real backend under virtual time: its jobs hold the time', async () => {
  await using env = createTestEnvironment()
  await using elsewhere = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.hold(elsewhere.createExecutor()) })
  const runner = new SequencedTaskRunner(pool)
  let seen: number | undefined
  runner.postTask(async () => {
    await readFile(new URL(import.meta.url))
    seen = env.clock.now()
  })
  await env.advanceBy(10)
  expect(seen).toBe(0)
})
