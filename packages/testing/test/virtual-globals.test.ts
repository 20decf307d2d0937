import { promisify } from 'node:util'
import { createTestEnvironment, runTest } from '@posttask/testing'
import { expect, test } from 'vitest'

const globals = (): readonly unknown[] => [
  setTimeout,
  setInterval,
  clearTimeout,
  Date,
  Reflect.get(performance, 'now'),
  Reflect.get(AbortSignal, 'timeout'),
  fetch,
]
const originals = globals()
const RealDate = Date
const realSetTimeout = setTimeout

test('the globals of time follow the virtual clock, and come back afterwards', async () => {
  await runTest(async (env) => {
    env.installGlobals()
    const seen: string[] = []
    const start = Date.now()
    const interval = setInterval((name: string) => void seen.push(`${name} ${performance.now()}`), 10, 'tick')
    const cancelled = setTimeout(() => seen.push('never'), 15)
    clearTimeout(cancelled)
    await new Promise((resolve) => void setTimeout(resolve, 25))
    clearInterval(interval)
    expect(seen).toEqual(['tick 10', 'tick 20'])
    expect(Date.now() - start).toBe(25)
    expect(new Date().toISOString()).toBe(new RealDate(env.clock.wallNow()).toISOString())
    expect(new Date(0).getTime()).toBe(0)
    expect(new Date()).toBeInstanceOf(RealDate)
    const signal = AbortSignal.timeout(100)
    await new Promise((resolve) => void setTimeout(resolve, 100))
    expect(signal.aborted).toBe(true)
    expect((signal.reason as Error).name).toBe('TimeoutError')
  })
  expect(globals()).toEqual(originals)
})

test('only what is named is replaced, until it is disposed', async () => {
  await using env = createTestEnvironment({ epoch: 5 })
  const installed = env.installGlobals(['Date'])
  expect([Date.now(), setTimeout]).toEqual([5, realSetTimeout])
  installed[Symbol.dispose]()
  expect(Date).toBe(RealDate)
})

test('a fetch holds the virtual time', async () => {
  await using env = createTestEnvironment()
  env.installGlobals(['fetch'])
  let answered: number | undefined
  void fetch('data:text/plain,hello').then(() => {
    answered = env.clock.now()
  })
  await env.advanceBy(10)
  expect(answered).toBe(0)
})

test('a date is a Date, whoever made it and when', async () => {
  const before = new Date(5)
  await using env = createTestEnvironment({ epoch: 7 })
  env.installGlobals(['Date'])
  class Day extends Date {}
  for (const date of [before, structuredClone(before), new Date(), new Day()]) expect(date instanceof Date).toBe(true)
  expect(before.constructor).toBe(Date)
  expect([new Day().getTime(), new Day(3).getTime(), new Day() instanceof Day, new Date() instanceof Day]).toEqual([
    7,
    3,
    true,
    false,
  ])
  await env.discard()
  expect(before.constructor).toBe(RealDate)
})

test('Date can be called, and keeps what it has', async () => {
  await using env = createTestEnvironment({ epoch: 7 })
  env.installGlobals(['Date'])
  expect(Date()).toBe(new RealDate(7).toString())
  expect([Date.name, Date.length, Date.UTC, Date.parse]).toEqual(['Date', 7, RealDate.UTC, RealDate.parse])
  expect([new Date(2000, 1, 3, 4), new Date('2000-01-02'), new Date(new Date(4))]).toEqual([
    new RealDate(2000, 1, 3, 4),
    new RealDate('2000-01-02'),
    new RealDate(4),
  ])
})

test('setTimeout that was promisified sleeps virtual time, until its signal fires', async () => {
  await runTest(async (env) => {
    env.installGlobals()
    const sleep = promisify(setTimeout)
    expect([await sleep(10, 'value'), env.clock.now()]).toEqual(['value', 10])
    const controller = new AbortController()
    const aborted = [controller.signal, AbortSignal.abort('stop')].map((signal) => sleep(10, undefined, { signal }))
    controller.abort('stop')
    for (const outcome of await Promise.allSettled(aborted))
      expect(outcome).toMatchObject({ reason: { name: 'AbortError', code: 'ABORT_ERR', cause: 'stop' } })
    expect(env.clock.nextDeadline()).toBeUndefined()
  })
})

test('a timer that is refreshed starts anew, after it has fired as well, but not after it was cleared', async () => {
  await using env = createTestEnvironment()
  env.installGlobals()
  const seen: string[] = []
  const timer = setTimeout(() => void seen.push(`timer ${env.clock.now()}`), 10)
  const interval = setInterval(() => void seen.push(`interval ${env.clock.now()}`), 10)
  await env.advanceBy(6)
  expect([timer.refresh(), interval.refresh()]).toEqual([timer, interval])
  await env.advanceTo(17)
  timer.refresh()
  await env.advanceTo(27)
  expect(seen).toEqual(['timer 16', 'interval 16', 'interval 26', 'timer 27'])
  clearTimeout(timer)
  clearInterval(interval)
  timer.refresh()
  interval.refresh()
  expect(env.clock.nextDeadline()).toBeUndefined()
})

test('a timer knows whether it was unreferenced, and is cleared by its number', async () => {
  await using env = createTestEnvironment()
  env.installGlobals()
  const interval = setInterval(() => {}, 10).unref()
  expect([interval.hasRef(), interval.ref().hasRef()]).toEqual([false, true])
  clearInterval(Number(interval))
  expect(env.clock.nextDeadline()).toBeUndefined()
})

test('a timer that was set before is cleared, and no virtual one instead', async () => {
  const real = setTimeout(() => {}, 1_000_000)
  await using env = createTestEnvironment()
  env.installGlobals()
  const virtual = setTimeout(() => {}, 10)
  Object.defineProperty(real, Symbol.toPrimitive, { value: () => Number(virtual) })
  clearTimeout(real)
  expect(Reflect.get(real, '_destroyed')).toBe(true)
  expect(env.clock.nextDeadline()).toBe(10)
})
