import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  systemClock,
  type TaskContext,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { describe, expect, test } from 'vitest'
import { runChild } from './fixtures/child.ts'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { maxConcurrency: 4 }),
}

const fail = (): never => {
  throw new Error('expected')
}

const spin = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('turns', () => {
  test('E1 TR-12 a million queued closures drain, in order, while timers and immediates get their turn', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    let ran = 0
    let inOrder = true
    const post = (task: number): void => {
      runner.postTask(() => {
        inOrder &&= ran === task
        ran++
      })
    }
    for (let task = 0; task < 1_000_000; task++) post(task)
    const timerSaw = new Promise<number>((resolve) => setTimeout(() => resolve(ran), 1))
    const immediateSaw = new Promise<number>((resolve) => setImmediate(() => resolve(ran)))
    await runner.waitIdle()
    expect([ran, inOrder]).toEqual([1_000_000, true])
    expect(await timerSaw).toBeLessThan(1_000_000)
    expect(await immediateSaw).toBeLessThan(1_000_000)
  }, 30_000)

  test.each(Object.entries(runners))(
    'E1 PRI-08 %s: the event loop has its turn while tasks post more tasks for ever',
    async (_kind, makeRunner) => {
      await using pool = new ThreadPool({ executor: inlineExecutor(), turnBudgetMs: 2 })
      const runner = makeRunner(pool)
      let isOver = false
      const again = (): void => {
        if (!isOver) runner.postTask(again, { priority: 'user-blocking' })
      }
      again()
      await new Promise((resolve) => setTimeout(resolve, 1))
      await new Promise((resolve) => setImmediate(resolve))
      isOver = true
      await runner.waitQuiescent()
      expect(runner.stats().completed).toBeGreaterThan(1)
    },
  )

  test('E1 each turn takes about turnBudgetMs: slow tasks are not run in one piece', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), turnBudgetMs: 1 })
    const runner = new SequencedTaskRunner(pool)
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    for (let task = 0; task < 20; task++) runner.postTask(() => spin(2))
    await runner.waitIdle()
    isOver = true
    // A task overruns the budget by itself, so each has a turn of its own; the first may find the clock not looked at yet.
    expect(turns).toBeGreaterThanOrEqual(10)
  })

  test('E1 slow tasks behind a thousand quick ones: the clock is looked at soon enough', async () => {
    let time = 0
    const executor = Object.assign(inlineExecutor(), { clock: { ...systemClock, now: () => time } })
    await using pool = new ThreadPool({ executor, turnBudgetMs: 5 })
    const runner = new SequencedTaskRunner(pool)
    let longest = 0
    let last = 0
    const turn = (): void => {
      longest = Math.max(longest, time - last)
      last = time
      if (time < 200) setImmediate(turn)
    }
    setImmediate(turn)
    for (let task = 0; task < 1000; task++) runner.postTask(() => {})
    for (let task = 0; task < 200; task++) runner.postTask(() => time++)
    await runner.waitIdle()
    expect(longest).toBeLessThanOrEqual(5 + 16)
  })

  test('E1 tasks whose outcome a promise reports give the event loop its turn as well', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), turnBudgetMs: 2 })
    const runner = new SequencedTaskRunner(pool)
    let isOver = false
    const loop = (async () => {
      while (!isOver) await runner.run(() => {})
    })()
    await new Promise((resolve) => setTimeout(resolve, 1))
    isOver = true
    await loop
    expect(runner.stats().completed).toBeGreaterThan(0)
  })

  test.each([
    ['sync', fail],
    ['async', async () => fail()],
  ])('E1 thousands of %s failures that are awaited leave the event loop its turns', async (_kind, task) => {
    // Each look at the clock takes a tenth of the budget, and there is one every sixteen tasks at the least.
    let now = 0
    const clock = { ...systemClock, now: () => (now += 0.1) }
    await using pool = new ThreadPool({ executor: executorWith({ clock }), turnBudgetMs: 1 })
    const runner = new SequencedTaskRunner(pool)
    let turns = 0
    const count = (): void => {
      turns++
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    const outcomes = await Promise.allSettled(Array.from({ length: 2000 }, () => runner.run(task)))
    clearImmediate(counting)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(turns).toBeGreaterThanOrEqual(2000 / 16 / 10 - 1)
  })

  test('S3 E1 a yield gives the event loop its turn', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const seen: string[] = []
    await runner.run(async (context) => {
      setImmediate(() => seen.push('immediate'))
      await context.yield()
      seen.push('task')
    })
    expect(seen).toEqual(['immediate', 'task'])
  })
})

test('E2 what awaits a failure goes on first where a success is told right behind it', async () => {
  // No slice ends on a slow machine: a turn of the event loop would let the awaiter go on in any case.
  await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 2 }), turnBudgetMs: 1e6 })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  const other = new SequencedTaskRunner(pool)
  const seen: string[] = []
  let fail: (() => void) | undefined
  let succeed: (() => void) | undefined
  const failing = runner.run(() => new Promise((_, reject) => (fail = () => reject(new Error('expected')))))
  const told = failing.catch(() => void seen.push('told'))
  const good = runner.run(() => new Promise<void>((resolve) => (succeed = resolve)))
  await new Promise((resolve) => setImmediate(resolve))
  runner.postTask(() => void seen.push('behind'))
  fail?.()
  succeed?.()
  other.postTask(() => {})
  await Promise.all([told, good, runner.waitIdle()])
  expect(seen).toEqual(['told', 'behind'])
})

describe.each(Object.entries(runners))('microtasks and a %s runner', (_kind, makeRunner) => {
  test('E2 what awaits run(t1) goes on before the task queued behind t1 starts', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const runner = makeRunner(pool)
    const seen: string[] = []
    const ask = async (name: string, task: () => unknown): Promise<void> => {
      try {
        await runner.run(task)
      } catch {
        seen.push(`${name} failed`)
      }
      seen.push(`after ${name}`)
    }
    const asked = [
      ask('sync', () => void seen.push('sync')),
      ask('async', async () => void seen.push('async')),
      ask('throwing', () => {
        throw new Error('expected')
      }),
      ask('rejecting', async () => {
        throw new Error('expected')
      }),
    ]
    runner.postTask(() => void seen.push('behind'))
    await Promise.all(asked)
    await runner.waitIdle()
    expect(seen).toEqual([
      'sync',
      'after sync',
      'async',
      'after async',
      'throwing failed',
      'after throwing',
      'rejecting failed',
      'after rejecting',
      'behind',
    ])
  })

  test.each([false, true])('E2 so it does where another post has woken the pump up before (failing: %s)', async (fails) => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const [runner, other] = [makeRunner(pool), makeRunner(pool)]
    const seen: string[] = []
    let end: (() => void) | undefined
    const pending = (): Promise<void> =>
      new Promise((resolve, reject) => {
        end = fails ? () => reject(new Error('expected')) : resolve
      })
    const asked = (async () => {
      try {
        await runner.run(pending)
      } finally {
        seen.push('awaiter')
      }
    })().catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    runner.postTask(() => void seen.push('behind'))
    end?.()
    other.postTask(() => void seen.push('other'))
    await Promise.all([asked, runner.waitIdle(), other.waitIdle()])
    expect(seen[0]).toBe('awaiter')
  })

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'E2 so it does where nothing was queued, and a post follows %i microtasks behind',
    async (hops) => {
      await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
      const runner = makeRunner(pool)
      const seen: string[] = []
      const failing = deferred()
      const asked = (async () => {
        try {
          await runner.run(() => failing.promise)
        } catch {
          seen.push('awaiter')
        }
      })()
      await new Promise((resolve) => setImmediate(resolve))
      failing.reject(new Error('expected'))
      for (let hop = 0; hop < hops; hop++) await undefined
      runner.postTask(() => void seen.push('posted'))
      await asked
      await runner.waitIdle()
      expect(seen).toEqual(['awaiter', 'posted'])
    },
  )

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'E2 so it does when it succeeds %i microtasks behind the rejection of another run',
    async (hops) => {
      await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
      const runner = makeRunner(pool)
      const seen: string[] = []
      const controller = new AbortController()
      const other = new SequencedTaskRunner(pool).run(() => {}, { delay: 60_000, signal: controller.signal })
      other.catch(() => {})
      const asked = (async () => {
        await runner.run(async () => {
          controller.abort()
          for (let hop = 0; hop < hops; hop++) await undefined
        })
        seen.push('awaiter')
      })()
      runner.postTask(() => void seen.push('next'))
      await asked
      await runner.waitIdle()
      expect(seen).toEqual(['awaiter', 'next'])
    },
  )

  test('E2 what it posts there goes before nothing: to the tail', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const runner = makeRunner(pool)
    const seen: string[] = []
    const asked = (async () => {
      await runner.run(() => void seen.push('1'))
      runner.postTask(() => void seen.push('3'))
    })()
    runner.postTask(() => void seen.push('2'))
    await asked
    await runner.waitIdle()
    expect(seen).toEqual(['1', '2', '3'])
  })

  test.each(['timeout', 'signal'])('E2 so it does when the run ends by its %s', async (how) => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const runner = makeRunner(pool)
    const seen: string[] = []
    const controller = new AbortController()
    const untilAborted = ({ signal }: TaskContext): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    const asked = (async () => {
      try {
        await runner.run(untilAborted, how === 'timeout' ? { timeout: 1 } : { signal: controller.signal })
      } catch {
        seen.push('awaiter')
      }
    })()
    runner.postTask(() => void seen.push('next'))
    await new Promise((resolve) => setImmediate(resolve))
    if (how === 'signal') controller.abort()
    await asked
    await runner.waitIdle()
    expect(seen).toEqual(['awaiter', 'next'])
  })

  test('E2 plain posted synchronous closures run back to back', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), turnBudgetMs: 1e6 })
    const runner = makeRunner(pool)
    const seen: string[] = []
    for (const task of [1, 2, 3]) {
      runner.postTask(() => {
        seen.push(`task ${task}`)
        queueMicrotask(() => seen.push(`microtask ${task}`))
      })
    }
    await runner.waitIdle()
    await undefined
    expect(seen.slice(0, 3)).toEqual(['task 1', 'task 2', 'task 3'])
  })
})

describe('the process', () => {
  const cases: readonly (readonly [title: string, program: string, stdout: string])[] = [
    [
      'E3 an idle pool does not keep it alive',
      `const pool = new ThreadPool({ executor: inlineExecutor() }); const r = new SequencedTaskRunner(pool); await r.run(() => 1); print('idle')`,
      'idle',
    ],
    [
      'E3 neither do pauses, open runners, or a pool that nobody closed',
      `const pool = new ThreadPool({ executor: inlineExecutor() }); new SingleThreadTaskRunner(pool); new ParallelTaskRunner(pool, { maxConcurrency: 2 }).pause(); print('open')`,
      'open',
    ],
    [
      'E3 a queued task does',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postTask(() => print('ran'))`,
      'ran',
    ],
    [
      'E3 a running task does, although it waits for nothing that the process knows',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); let go; r.postTask(() => new Promise((resolve) => { go = resolve }).then(() => print('ended'))); setTimeout(() => go(), 30).unref()`,
      'ended',
    ],
    [
      'E3 TR-14 a delayed task does',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postDelayedTask(() => print('ran'), 20)`,
      'ran',
    ],
    [
      'E3 TR-14 a delayed task with unref does not',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postDelayedTask(() => print('ran'), 100_000, { unref: true }); print('end')`,
      'end',
    ],
    [
      'E3 a repeating task does, until it is stopped',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); const h = r.postRepeatingTask(() => { print(h.runCount); if (h.runCount === 3) h.stop() }, 5)`,
      '1\n2\n3',
    ],
    [
      'E3 a repeating task with unref does not',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postRepeatingTask(() => {}, 100_000, { unref: true }); print('end')`,
      'end',
    ],
    [
      'E3 a cancelled delayed task does not',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postDelayedTask(() => {}, 100_000).cancel(); print('end')`,
      'end',
    ],
    [
      'E3 D5 delayed and repeating tasks of a runner that was shut down do not',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor(), onTaskRejected: () => {} })); r.postDelayedTask(() => {}, 100_000); r.postRepeatingTask(() => {}, 100_000); r.shutdown(); print('end')`,
      'end',
    ],
    [
      'E3 time limits of ended tasks do not',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); await r.run(() => {}, { timeout: 100_000, queueTimeout: 100_000 }); print('end')`,
      'end',
    ],
    [
      'E3 W6 a pool that was closed with a time limit does not',
      `const pool = new ThreadPool({ executor: inlineExecutor() }); await pool.close({ timeoutMs: 100_000 }); print('closed')`,
      'closed',
    ],
    [
      'E3 W6 a terminated pool does not, although a task of it never ends',
      `const pool = new ThreadPool({ executor: inlineExecutor() }); const r = new SequencedTaskRunner(pool); const p = r.run(() => new Promise(() => {})); p.catch(() => {}); await new Promise((go) => setImmediate(go)); print((await pool.terminate()).terminated)`,
      '1',
    ],
    [
      'E3 W8 a pool that was closed does not, although a continue-on-shutdown task of it ends afterwards',
      `const pool = new ThreadPool({ executor: inlineExecutor() }); const r = new SequencedTaskRunner(pool); let go; r.postTask(() => new Promise((resolve) => { go = resolve }), { shutdown: 'continue-on-shutdown' }); await new Promise((next) => setImmediate(next)); await pool.close(); go(); await new Promise((next) => setImmediate(next)); print('end')`,
      'end',
    ],
    [
      'E3 a task that waits in a paused runner does',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); const p = r.pause(); r.postTask(() => print('ran')); setTimeout(() => p[Symbol.dispose](), 20).unref()`,
      'ran',
    ],
    [
      'E3 a sleeping task does',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); r.postTask(async (context) => { await context.sleep(20); print('awake') })`,
      'awake',
    ],
    [
      'F2 a failed postTask is printed and does not end it with an error',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor(), onTaskError: ({ error }) => print(error.message) })); r.postTask(async () => { throw new Error('expected') }); await r.waitIdle(); print('goes on')`,
      'expected\ngoes on',
    ],
    [
      'D1 D2 a delay beyond 2^31-1 ms does not fire early',
      `const r = new SequencedTaskRunner(new ThreadPool({ executor: inlineExecutor() })); const h = r.postDelayedTask(() => print('early'), 2 ** 40, { unref: true }); await new Promise((go) => setTimeout(go, 20)); print(h.state)`,
      'delayed',
    ],
  ]

  test.concurrent.each(cases)(
    '%s',
    async (_title, program, stdout) => {
      expect(await runChild(program)).toEqual({ stdout, stderr: '', code: 0, wasKilled: false })
    },
    60_000,
  )

  test('D5 no timer and no handle is left of a pool that was used and closed', async () => {
    const program = `
      await new Promise((go) => setImmediate(go))
      const before = process.getActiveResourcesInfo()
      const pool = new ThreadPool({ executor: inlineExecutor(), onTaskRejected: () => {} })
      for (const runner of [new SequencedTaskRunner(pool), new ParallelTaskRunner(pool, { maxConcurrency: 2 }), new SingleThreadTaskRunner(pool)]) {
        for (let task = 0; task < 10; task++) runner.postTask((context) => context.sleep(1), { timeout: 5000, queueTimeout: 5000 })
        runner.postDelayedTask(() => {}, 60_000)
        runner.postRepeatingTask(() => {}, 1)
      }
      await pool.close({ timeoutMs: 60_000 })
      await new Promise((go) => setImmediate(go))
      print(process.getActiveResourcesInfo().length - before.length)`
    expect(await runChild(program)).toEqual({ stdout: '0', stderr: '', code: 0, wasKilled: false })
  }, 60_000)
})
