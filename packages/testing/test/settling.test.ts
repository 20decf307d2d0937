import { execFile } from 'node:child_process'
import { scrypt } from 'node:crypto'
import { lookup } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import { SequencedTaskRunner, type TaskContext } from '@posttask/core'
import { createTestEnvironment, ExternalWaitError, ForeignWaitError, type TestEnvironment } from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'

/** What virtual time a task sees after it has done work that takes none, while time is told to move by 10 ms. */
const timeAfter = async (work: (context: TaskContext, env: TestEnvironment) => Promise<unknown>): Promise<number | undefined> => {
  const env = createTestEnvironment()
  let seen: number | undefined
  new SequencedTaskRunner(env.pool).postTask(async (context) => {
    await work(context, env)
    seen = env.clock.now()
  })
  // A timer beside it, so that there is somewhere to move to.
  new SequencedTaskRunner(env.pool).postTask((context) => context.sleep(5))
  await env.advanceBy(10)
  await env.discard()
  return seen
}

const chain = async (length: number): Promise<void> => {
  for (let index = 0; index < length; index++) await Promise.resolve()
}

const ticks = (length: number): Promise<void> =>
  new Promise((resolve) => (length === 0 ? resolve() : process.nextTick(() => void ticks(length - 1).then(resolve))))

const immediates = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index++) await new Promise((resolve) => void setImmediate(resolve))
}

const sleepReally = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

const port = new MessageChannel()
const roundTrip = (): Promise<void> =>
  new Promise((resolve) => {
    port.port2.once('message', () => resolve())
    port.port1.postMessage('ping')
  })

const fetchFromLoopback = async (): Promise<void> => {
  const server = createServer((_request, response) => void setTimeout(() => response.end('late'), 5))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()
  server.closeAllConnections()
  await new Promise((resolve) => void server.close(resolve))
}

const repetitions = 25

describe(`time does not move before work that takes none has ended, ${repetitions} times of ${repetitions}`, () => {
  const file = new URL(import.meta.url)
  const scenarios: readonly (readonly [string, (context: TaskContext, env: TestEnvironment) => Promise<unknown>])[] = [
    ['a promise chain of 40', () => chain(40)],
    ['a promise chain of 900', () => chain(900)],
    ['a promise chain of 20,000', () => chain(20_000)],
    ['a process.nextTick chain', () => ticks(20)],
    ['five setImmediate', () => immediates(5)],
    ['a real setTimeout of 15 ms', () => sleepReally(15)],
    ['readFile', () => readFile(file)],
    ['crypto.scrypt', () => promisify(scrypt)('password', 'salt', 32)],
    ['a webcrypto digest', () => crypto.subtle.digest('SHA-256', new Uint8Array(1024))],
    ['dns.lookup', () => promisify(lookup)('127.0.0.1')],
    ["another runner's task", (_context, env) => new SequencedTaskRunner(env.pool).run(() => chain(30))],
    ['a task on a real timer and readFile together', () => Promise.all([sleepReally(2), readFile(file)])],
    ['Promise.race of a virtual sleep and readFile', (context) => Promise.race([context.sleep(5), readFile(file)])],
    ['fetch, named by external()', (_context, env) => env.external(fetchFromLoopback())],
    ['a message port, named by external()', (_context, env) => env.external(roundTrip())],
  ]
  test.for(scenarios)('%s', async ([, work]) => {
    const seen: (number | undefined)[] = []
    for (let round = 0; round < repetitions; round++) seen.push(await timeAfter(work))
    expect(seen).toEqual(new Array(repetitions).fill(0))
  })

  test('a child process', async () => {
    for (let round = 0; round < 3; round++)
      expect(await timeAfter(() => promisify(execFile)(process.execPath, ['--version']))).toBe(0)
  })

  test.for([
    ['a virtual sleep', async (context: TaskContext) => context.sleep(5), 5],
    [
      'Promise.all of a virtual sleep and readFile',
      async (context: TaskContext) => Promise.all([context.sleep(5), readFile(file)]),
      5,
    ],
    [
      'nested sleeps with long chains between',
      async (context: TaskContext) => {
        for (let round = 0; round < 3; round++) {
          await context.sleep(2)
          await chain(30)
        }
      },
      6,
    ],
  ] as const)('%s ends at its own time', async ([, work, end]) => {
    for (let round = 0; round < repetitions; round++) expect(await timeAfter(work)).toBe(end)
  })

  test('a gate that another task opens after a virtual sleep', async () => {
    let open = (): void => {}
    for (let round = 0; round < repetitions; round++) {
      const gate = new Promise<void>((resolve) => {
        open = resolve
      })
      const seen = await timeAfter((_context, env) => {
        new SequencedTaskRunner(env.pool).postTask(async (context) => {
          await context.sleep(7)
          open()
        })
        return gate
      })
      expect(seen).toBe(7)
    }
  })

  test('a gate that the test opens after advanceBy does not hold the time', async () => {
    await using env = createTestEnvironment()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    new SequencedTaskRunner(env.pool, { name: 'r' }).postTask(() => gate, { name: 'gated' })
    await env.advanceBy(10)
    expect(env.clock.now()).toBe(10)
    expect(env.describe()).toMatch(/time moved while these waited for something the environment does not know: r\/gated/)
    open()
    await env.runUntilIdle()
    expect(env.isIdle()).toBe(true)
  })

  test('describe() names fifty tasks, and counts the rest', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    for (let task = 0; task < 1000; task++) runner.postTask(() => {})
    const lines = env.describe().split('\n')
    expect([lines.length, lines[0], lines[50], lines[51], lines[52]]).toEqual([
      53,
      't=0: 1000 task(s) pending',
      expect.stringContaining('r/task 50: queued'),
      '  ... and 950 more',
      expect.stringContaining('nothing drives this environment'),
    ])
    await env.runUntilIdle()
  })
})

test('with strict, time that would move while a task waits for something unknown is an error', async () => {
  const env = createTestEnvironment({ strict: true })
  new SequencedTaskRunner(env.pool).postTask(() => new Promise(() => {}))
  await expect(env.advanceBy(10)).rejects.toThrow(ForeignWaitError)
  await env.discard()
})

test('real work that takes too long ends in an error that names it, never in time that moves anyway', async () => {
  const env = createTestEnvironment({ externalTimeoutMs: 20 })
  void env.external(new Promise(() => {}), 'the slow database')
  const outcome = env.advanceBy(10)
  await expect(outcome).rejects.toThrow(ExternalWaitError)
  await expect(outcome).rejects.toThrow('the slow database')
  expect(env.clock.now()).toBe(0)
  await env.discard()
})

test('fake timers that a test installs do not stop the environment', async () => {
  vi.useFakeTimers()
  try {
    expect(await timeAfter((context) => context.sleep(5))).toBe(5)
  } finally {
    vi.useRealTimers()
  }
})
