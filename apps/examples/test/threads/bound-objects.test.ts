import {
  type BoundTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'
import type { Account } from '../fixtures/account.ts'
import { threadBackends } from '../fixtures/backends.ts'
import { cells, outcomeOf } from '../fixtures/shared-log.ts'

const accounts = taskModule<typeof import('../fixtures/account.ts')>(new URL('../fixtures/account.ts', import.meta.url))

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

describe.each(threadBackends)('bound objects on %s', (_name, makeExecutor) => {
  const open = (runner: SingleThreadTaskRunner<BoundTask>, balance: number, memory = cells(1)): SequenceBound<Account> =>
    SequenceBound.create(runner, accounts.Account, memory, balance)

  test('S2 calls come one after the other, and disposal behind those already made', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SingleThreadTaskRunner(pool)
    const memory = cells(1)
    const account = open(runner, 100, memory)
    const paid = [account.call.pay(30), account.call.pay(30)]
    const disposed = account[Symbol.asyncDispose]()
    expect(await outcomeOf(account.call.pay(30))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('disposed of'),
    })
    expect(await Promise.all(paid)).toEqual([70, 40])
    await disposed
    expect(memory[0]).toBe(40)
  })

  test('F1 where the constructor throws every call rejects with its error, and disposal does nothing', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const account = open(new SingleThreadTaskRunner(pool), -1)
    const calls = [account.call.pay(1), account.call.pay(2)]
    for (const call of calls)
      expect(await outcomeOf(call)).toMatchObject({ name: 'RangeError', message: 'an account starts with no debt' })
    await account[Symbol.asyncDispose]()
  })

  test("S4 its thread dies under a call, onThreadLost 'close': that call and those behind it are told, and later ones refused", async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SingleThreadTaskRunner(pool)
    const account = open(runner, 100)
    const errors = await Promise.all([outcomeOf(account.call.exit(5)), outcomeOf(account.call.pay(1))])
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 5 })
    expect(await outcomeOf(account.call.pay(1))).toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })

  test("S4 with 'restart' the runner goes on without the object, whose calls say that it is gone", async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SingleThreadTaskRunner(pool, { onThreadLost: 'restart' })
    const account = open(runner, 100)
    expect(await outcomeOf(account.call.exit(5))).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 5 })
    expect(await outcomeOf(account.call.pay(1))).toMatchObject({ code: 'ERR_WORKER_CRASHED' })
    await using next = open(runner, 10)
    expect(await next.call.pay(1)).toBe(9)
  })

  test('F6 a runner whose tasks may change threads is refused at the call', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runners = [
      new SequencedTaskRunner(pool),
      new ParallelTaskRunner(pool, { maxConcurrency: 1 }),
      new KeyedTaskRunner(pool),
    ]
    for (const runner of runners)
      expect(() => SequenceBound.create(runner, accounts.Account, cells(1), 1)).toThrow(/use a single-thread runner/)
  })
})
