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
