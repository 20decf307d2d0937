import { inlineExecutor } from '@posttask/backend-inline'
import {
  KeyedTaskRunner,
  ParallelTaskRunner,
  type RunOptions,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type StallEvent,
  type TaskContext,
  type TaskRunner,
  TaskTimeoutError,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

const quiet = { pool: { onTaskError: () => {}, onTaskRejected: () => {} } }

const sequences = (env: TestEnvironment): readonly [TaskRunner, TaskRunner, TaskRunner] => [
  new SequencedTaskRunner(env.pool, { name: 'a' }),
  new SingleThreadTaskRunner(env.pool, { name: 'b' }),
  new SequencedTaskRunner(env.pool, { name: 'c' }),
]

/** What became of promises by the time at which nothing moves any more. */
const outcomesOf = async (env: TestEnvironment, ...promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> => {
  const outcomes: unknown[] = promises.map(() => 'hangs')
  for (const [index, promise] of promises.entries()) {
    const keep = (outcome: unknown): void => {
      outcomes[index] = outcome
    }
    promise.then(keep, keep)
  }
  await env.advanceBy(20)
  return outcomes
}

const outcomeOf = async (env: TestEnvironment, promise: Promise<unknown>): Promise<unknown> => (await outcomesOf(env, promise))[0]

const ignore = (): void => {}

describe('a cycle of waits', () => {
  test('W3 over two keys is refused at the wait that closes it, and named with the keys', async () => {
    await using env = createTestEnvironment(quiet)
    const accounts = new KeyedTaskRunner(env.pool, { name: 'accounts' })
    const [x, y] = [accounts.forKey('x'), accounts.forKey('y')]
    const seen: string[] = []
    const outcome = await outcomeOf(
      env,
      x.run(() => y.run(() => x.run(() => seen.push('ran'), { name: 'again' }), { name: 'credit' }), { name: 'debit' }),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
    expect((outcome as Error).message).toContain(
      'accounts["y"]/credit -> accounts["x"]/again -> accounts["x"]/debit -> accounts["y"]/credit',
    )
    expect(seen).toEqual([])
    expect(accounts.stats()).toMatchObject({ running: 0, pending: 0, rejected: 1 })
  })

  test('W3 over two sequences is refused in the task that awaits it, which may go on', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const outcome = await outcomeOf(
      env,
      a.run(async function outer() {
        return await b.run(async function inner() {
          try {
            return await a.run(ignore)
          } catch (error) {
            return error
          }
        })
      }),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
    expect((outcome as Error).message).toContain('"inner" on runner "b" awaits run() of runner "a"')
    expect(
      await outcomeOf(
        env,
        a.run(() => 'goes on'),
      ),
    ).toBe('goes on')
  })

  test('W3 of promises whose failure the tasks have looked at before they await them', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const looking = (runner: TaskRunner, task: () => unknown) => async () => {
      const outcome = runner.run(task)
      outcome.catch(ignore)
      await outcome
    }
    expect(await outcomeOf(env, a.run(looking(b, looking(a, ignore))))).toBeInstanceOf(SequenceDeadlockError)
  })

  test('W3 over three sequences, by tasks that wait for each other crosswise', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b, c] = sequences(env)
    const first = a.run(async () => await b.run(() => 'b'))
    const second = b.run(async () => await c.run(async () => await a.run(ignore)))
    expect(await outcomesOf(env, first, second)).toEqual(['b', expect.any(SequenceDeadlockError)])
  })

  test('W3 from a reply, which is a task as any other', async () => {
    const errors: unknown[] = []
    await using env = createTestEnvironment({ pool: { onTaskError: ({ error }) => void errors.push(error) } })
    const [a, b] = sequences(env)
    b.postTaskAndReply(ignore, () => b.run(() => a.run(ignore)), { replyTo: a })
    await env.runUntilIdle()
    expect(errors).toEqual([expect.any(SequenceDeadlockError)])
  })

  const waits: Readonly<Record<string, (runner: TaskRunner) => Promise<unknown>>> = {
    flush: (runner) => runner.flush(),
    waitIdle: (runner) => runner.waitIdle(),
    waitQuiescent: (runner) => runner.waitQuiescent(),
    close: (runner) => runner.close(),
  }

  test.each(Object.entries(waits))('W3 that %s closes', async (call, wait) => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const outcome = await outcomeOf(
      env,
      a.run(() => b.run(() => wait(a))),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
    expect((outcome as Error).message).toContain(`awaits ${call}() of runner "a"`)
    expect(a.stats()).toMatchObject({ running: 0, pending: 0, barrierPending: false, closed: call === 'close' })
  })

  test.each(Object.entries(waits))('W3 that begins with %s', async (_call, wait) => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const first = a.run(() => wait(b))
    const second = b.run(async () => await a.run(ignore))
    expect(await outcomesOf(env, first, second)).toEqual([undefined, expect.any(SequenceDeadlockError)])
  })

  test('W3 Q1 that ready closes: there is room when the task of the full queue ends', async () => {
    await using env = createTestEnvironment(quiet)
    const [, b] = sequences(env)
    const bounded = new SequencedTaskRunner(env.pool, { name: 'bounded', queueLimit: 1 })
    const outcome = await outcomeOf(
      env,
      bounded.run(() => {
        bounded.postTask(ignore)
        return b.run(() => bounded.ready())
      }),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
  })

  test('W3 of tasks that hold every place of a parallel runner; with a free one there is none', async () => {
    for (const maxConcurrency of [2, 3]) {
      await using env = createTestEnvironment(quiet)
      const runner = new ParallelTaskRunner(env.pool, { maxConcurrency })
      const parent = async (): Promise<unknown> => await runner.run(() => 'child')
      const outcomes = await outcomesOf(env, runner.run(parent), runner.run(parent))
      expect(outcomes).toEqual(['child', maxConcurrency === 2 ? expect.any(SequenceDeadlockError) : 'child'])
    }
  })

  test('W3 of tasks that hold every slot of the pool; with a free one there is none', async () => {
    for (const maxConcurrency of [2, 3]) {
      await using env = createTestEnvironment({ ...quiet, executor: { maxConcurrency } })
      const [a, , c] = sequences(env)
      const children = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
      const parent = (): Promise<unknown> => children.run(() => 'child')
      const outcomes = await outcomesOf(env, a.run(parent), c.run(parent))
      expect(outcomes).toEqual(['child', maxConcurrency === 2 ? expect.any(SequenceDeadlockError) : 'child'])
    }
  })

  test('W3 W6 on a real pool, which can be closed', async () => {
    for (const trackRunner of [false, true]) {
      const pool = new ThreadPool({ executor: inlineExecutor(), trackRunner })
      const [a, b] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
      const outcome = a.run(async () => await b.run(async () => await a.run(ignore)))
      await expect(outcome).rejects.toThrow(SequenceDeadlockError)
      expect(await pool.close()).toMatchObject({ terminated: 0 })
    }
  })
})

describe('what may end is never refused', () => {
  // Set by each test: the tasks below are posted as they stand, so that their own awaits are seen.
  let post: (options?: RunOptions) => Promise<unknown> = () => Promise.resolve()
  let isRepeated = false

  const helper = async (): Promise<void> => {
    await post()
  }

  const outers: Readonly<Record<string, (context: TaskContext) => unknown>> = {
    'a run that the task does not await': () => void post(),
    'a run that an async task does not await': async () => void post(),
    'a run whose failure is looked at': async () => void post().catch(ignore),
    'a run that is awaited by a function that the task does not wait for': () => void helper(),
    'the same in a task that awaits something else': async (context) => {
      void helper()
      await context.sleep(2)
    },
    'a run that races': async (context) => {
      await Promise.race([post(), context.sleep(2)])
    },
    'a run that races, as what the task returns': (context) => Promise.race([post(), context.sleep(2)]),
    'a run that races in a function': async (context) => await Promise.race([helper(), context.sleep(2)]),
    'a run that ends a promise with another end': async (context) => {
      await new Promise((resolve) => {
        void post().then(resolve)
        void context.sleep(2).then(resolve)
      })
    },
    'a run that fails together with another one': async () => {
      await Promise.all([post(), Promise.reject(new Error('expected'))]).catch(ignore)
    },
    'a run that is made a promise of': async () => void Promise.resolve(post()),
    'a run that a call of the task to itself awaits': async function itself(context) {
      if (isRepeated) {
        await post()
        return
      }
      isRepeated = true
      void itself(context)
      await context.sleep(2)
    },
    'the same by a function in between': async function itself(context) {
      if (isRepeated) {
        await post()
        return
      }
      isRepeated = true
      const again = (): void => void itself(context)
      again()
      await context.sleep(2)
    },
    'a run that is awaited when the task has gone on': async (context) => {
      const outcome = post({ timeout: 5 }).catch(ignore)
      await context.sleep(2)
      await outcome
    },
    'a run with a time limit': async () => await post({ timeout: 5 }).catch(ignore),
    'a run with a signal': async () => await post({ signal: AbortSignal.any([abortSoon.signal]) }).catch(ignore),
  }
  let abortSoon = new AbortController()

  test.each(Object.entries(outers))('W3 %s', async (_what, outer) => {
    isRepeated = false
    abortSoon = new AbortController()
    await using env = createTestEnvironment(quiet)
    const [a, b, c] = sequences(env)
    c.postDelayedTask(() => abortSoon.abort(), 5)
    const ran: unknown[] = []
    post = (options) => b.run(async () => void ran.push(await a.run(() => 'ran')), options)
    const outcome = await outcomeOf(env, a.run(outer))
    expect(outcome).toBeUndefined()
    expect(ran).toEqual(['ran'])
  })

  test('W3 a run that another task awaits than the one that called', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b, c] = sequences(env)
    let shared: Promise<unknown> | undefined
    const first = a.run(() => {
      shared = b.run(async () => await a.run(() => 'ran'))
    })
    const second = c.run(async () => await shared)
    expect(await outcomeOf(env, first)).toBeUndefined()
    expect(await outcomeOf(env, second)).toBe('ran')
  })

  test('W3 waitIdle with a signal that ends it', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b, c] = sequences(env)
    const soon = new AbortController()
    c.postDelayedTask(() => soon.abort('ended'), 5)
    const outcome = a.run(() => b.run(async () => await a.waitIdle({ signal: soon.signal })).catch((reason) => reason))
    expect(await outcomeOf(env, outcome)).toBe('ended')
  })

  test('W8 the close of a runner whose tasks no close waits for', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const outcome = a.run(() => b.run(async () => await a.close()), { shutdown: 'continue-on-shutdown' })
    expect(await outcomeOf(env, outcome)).toBeUndefined()
  })

  test('E2 a promise of a run inside a task is a promise as any other', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const seen: unknown[] = []
    await outcomeOf(
      env,
      a.run(() => {
        const promise = b.run(() => 1)
        const derived = promise.then(ignore)
        seen.push(
          promise instanceof Promise,
          promise.constructor === Promise,
          Object.getPrototypeOf(derived) === Promise.prototype,
        )
      }),
    )
    expect(seen).toEqual([true, true, true])
  })
})

describe('what is not certain is shown', () => {
  /** A transfer that waits through a function of its own, which cannot be seen. */
  const hanging = (onStall: (event: StallEvent) => void = ignore) => {
    const env = createTestEnvironment({ pool: { ...quiet.pool, stallWarningMs: 10, onStall } })
    const accounts = new KeyedTaskRunner(env.pool, { name: 'accounts' })
    const db = new SequencedTaskRunner(env.pool, { name: 'db' })
    const [x, two] = [accounts.forKey('x'), accounts.forKey(2)]
    const transfer = (): Promise<unknown> => db.run(async () => await x.run(ignore, { name: 'again' }), { name: 'write' })
    x.run(() => transfer().then(ignore), { name: 'debit' }).catch(ignore)
    two.run(() => x.run(ignore, { name: 'later' }), { name: 'credit' }).catch(ignore)
    return { env, accounts, db }
  }
  const cycle = ['accounts["x"]/debit', 'db/write', 'accounts["x"]/again', 'accounts["x"]/debit']

  test('W3 describe shows what each task waits for, with keys, and the cycle', async () => {
    const { env } = hanging()
    await env.runUntilIdle()
    expect(env.pool.describe().split('\n')).toEqual([
      'pool "test" on virtual: 3 of Infinity slots taken, 2 queued, 0 delayed',
      '  keyed runner "accounts"',
      '    runs: "debit" (#1, key "x") for 0 ms',
      '      may wait for: run db/write',
      '    runs: "credit" (#2, key 2) for 0 ms',
      '      waits for: run accounts["x"]/later',
      '    waits: "later" (#4, key "x") for 0 ms and 1 more',
      '  sequenced runner "db"',
      '    runs: "write" (#3) for 0 ms',
      '      waits for: run accounts["x"]/again',
      `  a deadlock, if each awaits what it has asked for: ${cycle.join(' -> ')}`,
    ])
    // oxlint-disable-next-line typescript/no-floating-promises -- the environment is given up
    env.discard()
  })

  test('W3 onStall is told of it, and pool.waits() lists it', async () => {
    const stalls: StallEvent[] = []
    const { env, accounts, db } = hanging((event) => void stalls.push(event))
    await env.advanceBy(20)
    expect(stalls.map(({ name, waitsFor }) => [name, ...waitsFor])).toEqual([
      ['debit', 'run db/write'],
      ['credit', 'run accounts["x"]/later'],
      ['write', 'run accounts["x"]/again'],
    ])
    // Who waits for a cycle from outside of it is told of the cycle.
    expect(stalls.slice(0, 2).map((event) => event.cycle)).toEqual([cycle, cycle])
    const waits = env.pool.waits()
    expect(waits.map(({ task, on, isCertain }) => [task.name, on, isCertain])).toEqual([
      ['debit', db, false],
      ['credit', accounts, true],
      ['write', accounts, true],
    ])
    expect(waits.map(({ target }) => target?.state)).toEqual(['running', 'queued', 'queued'])
    // oxlint-disable-next-line typescript/no-floating-promises -- the environment is given up
    env.discard()
  })

  test('W3 a wait that is over is shown no more, and neither is one that a task was done with', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const seen: unknown[] = []
    const outcome = a.run(async (context) => {
      for (let time = 0; time < 100; time++) void b.run(ignore)
      seen.push(env.pool.waits().length)
      await context.sleep(1)
      seen.push(env.pool.waits().length)
      await b.run(() => context.sleep(1))
    })
    await outcomeOf(env, outcome)
    expect(seen).toEqual([100, 0])
    expect(env.pool.waits()).toEqual([])
  })
})

test('W3 a runner that has long been waited for, and never waited itself, is looked at anew when it does', async () => {
  await using env = createTestEnvironment(quiet)
  const [a, b] = sequences(env)
  for (let time = 0; time < 200; time++) a.postTask(async () => await b.run(ignore))
  await env.runUntilIdle()
  const cycle = (): Promise<unknown> => a.run(async () => await b.run(async () => await a.run(ignore), { timeout: 5 }))
  // The first one is known to nobody but the time limit.
  expect(await outcomeOf(env, cycle())).toBeInstanceOf(TaskTimeoutError)
  const again = a.run(async () => await b.run(async () => await a.run(ignore)))
  expect(await outcomeOf(env, again)).toBeInstanceOf(SequenceDeadlockError)
})
