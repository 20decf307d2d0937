import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, SingleThreadTaskRunner, type TaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { thenable } from './fixtures/thenable.ts'

const sequences = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'seq' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'one' }),
}

const runners = {
  ...sequences,
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'par', maxConcurrency: 3 }),
}

describe.each(Object.entries(runners))('any runner: %s', (_kind, makeRunner) => {
  test('S3 TR-01 a post never runs the task before it returns, nor before the code that posted has ended', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    let ran = false
    const outcome = runner.run(() => void (ran = true))
    runner.postTask(() => void (ran = true))
    expect(ran).toBe(false)
    await outcome
    expect(ran).toBe(true)
  })

  test('S3 TR-04 a task that posts to its own runner is not entered again', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(() => {
      seen.push('outer start')
      runner.postTask(() => void seen.push('inner'))
      seen.push('outer end')
    })
    await env.runUntilIdle()
    expect(seen).toEqual(['outer start', 'outer end', 'inner'])
  })

  test('TR-02 20 tasks, the i-th posted i times, run exactly so often', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const counts = new Array<number>(20).fill(0)
    for (let task = 0; task < 20; task++) {
      for (let time = 0; time <= task; time++) runner.postTask(() => void (counts[task] = (counts[task] as number) + 1))
    }
    await env.runUntilIdle()
    expect(counts).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  test('TR-03 20 tasks, the i-th posted i times with delays, run exactly so often', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const counts = new Array<number>(20).fill(0)
    for (let task = 0; task < 20; task++) {
      for (let time = 0; time <= task; time++)
        runner.postDelayedTask(() => void (counts[task] = (counts[task] as number) + 1), time)
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(counts).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(env.clock.now()).toBe(19)
  })

  test('F6 what is no task is refused at the call', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const posts = [
      (task: never) => runner.postTask(task),
      (task: never) => runner.postDelayedTask(task, 1),
      (task: never) => runner.postRepeatingTask(task, 1),
      (task: never) => void runner.run(task),
      (task: never) => runner.postTaskAndReply(task, () => {}, { replyTo: runner }),
    ]
    for (const post of posts) {
      for (const task of [null, undefined, 5, 'task', {}, { module: 'file:///x.js' }])
        expect(() => post(task as never), JSON.stringify(task)).toThrow(TypeError)
    }
    expect(env.isIdle()).toBe(true)
    expect(runner.stats()).toMatchObject({ pending: 0, delayed: 0, repeating: 0, rejected: 0 })
  })
})

describe.each(Object.entries(sequences))('a sequence: %s', (_kind, makeRunner) => {
  test('S1 tasks start in posting order, whatever their priority or name', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: number[] = []
    const priorities = ['best-effort', 'user-blocking', 'user-visible'] as const
    for (let task = 0; task < 30; task++) {
      runner.postTask(() => void seen.push(task), { priority: priorities[task % 3], name: `task-${30 - task}` })
    }
    await env.runUntilIdle()
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => index))
  })

  test('S2 SEQ-14 the next task waits for the promise of the one before, awaits included', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(async (context) => {
      seen.push('1 start')
      for (const ms of [10, 20, 30]) {
        await context.sleep(ms)
        runner.postTask(() => void seen.push(`posted at ${env.clock.now() - ms}`))
      }
      seen.push('1 end')
    })
    runner.postTask(() => void seen.push('2'))
    await env.advanceBy(59)
    expect(seen).toEqual(['1 start'])
    await env.advanceBy(1)
    expect(seen).toEqual(['1 start', '1 end', '2', 'posted at 50', 'posted at 40', 'posted at 30'])
  })

  test('S2 the next task waits for a rejected promise and for any thenable as well', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const seen: string[] = []
    const failing = runner.run(async (context) => {
      await context.yield()
      seen.push('1 fails')
      throw new Error('expected')
    })
    failing.catch(() => {})
    runner.postTask((context) =>
      thenable<undefined>((resolve) => {
        void context.yield().then(() => {
          seen.push('2 ends')
          resolve(undefined)
        })
      }),
    )
    runner.postTask(() => void seen.push('3'))
    await runner.waitIdle()
    expect(seen).toEqual(['1 fails', '2 ends', '3'])
  })

  test('S1 S2 SEQ-01 SEQ-02 SEQ-03 a slow task and 999 more: post, start and end orders are the same, and nothing overlaps', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const events: string[] = []
    for (let task = 0; task < 1000; task++) {
      events.push(`post ${task}`)
      runner.postTask(async (context) => {
        events.push(`start ${task}`)
        if (task === 0) await context.sleep(100)
        else if (task % 3 === 0) await undefined
        events.push(`end ${task}`)
      })
    }
    await env.advanceBy(100)
    const order = Array.from({ length: 1000 }, (_, index) => index)
    expect(events).toEqual([...order.map((task) => `post ${task}`), ...order.flatMap((task) => [`start ${task}`, `end ${task}`])])
  })

  test('D1 S2 SEQ-04 20 tasks with delays: in order and without overlap', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const events: string[] = []
    for (let task = 0; task < 20; task++) {
      runner.postDelayedTask(async (context) => {
        events.push(`start ${task}`)
        await context.sleep(60)
        events.push(`end ${task}`)
      }, 50 * task)
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(events).toEqual(Array.from({ length: 20 }, (_, task) => [`start ${task}`, `end ${task}`]).flat())
    expect(env.clock.now()).toBe(1200)
  })

  test('S3 SEQ-05 10 parents that each post 10 children: parents first, children in the order of their posts', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const started: string[] = []
    for (let parent = 0; parent < 10; parent++) {
      runner.postTask(() => {
        started.push(`${parent}`)
        for (let child = 0; child < 10; child++) runner.postTask(() => void started.push(`${parent}.${child}`))
      })
    }
    await env.runUntilIdle()
    const digits = Array.from({ length: 10 }, (_, index) => index)
    expect(started).toEqual([...digits.map(String), ...digits.flatMap((parent) => digits.map((child) => `${parent}.${child}`))])
  })

  test('S1 SEQ-13 queued tasks run although nobody holds the runner any more', async () => {
    await using env = createTestEnvironment()
    const seen: number[] = []
    ;(() => {
      const runner = makeRunner(env.pool)
      for (const task of [1, 2, 3]) runner.postTask(() => void seen.push(task))
    })()
    globalThis.gc?.()
    await env.runUntilIdle()
    expect(seen).toEqual([1, 2, 3])
  })

  test('C1 S1 SEQ-18 a cancelled task in the middle changes nothing for the others', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: number[] = []
    const handles = [0, 1, 2, 3, 4].map((task) => runner.postTask(() => void seen.push(task)))
    expect(handles[2]?.cancel()).toBe(true)
    await env.runUntilIdle()
    expect(seen).toEqual([0, 1, 3, 4])
  })

  test('S2 state of two hundred read-modify-write tasks with an await in the middle loses no update', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    let balance = 0
    for (let task = 0; task < 200; task++) {
      runner.postTask(async (context) => {
        const before = balance
        if (task % 2 === 0) await context.yield()
        else await context.sleep(1)
        balance = before + 1
      })
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(balance).toBe(200)
  })
})

describe('between runners', () => {
  test('S5 two busy sequences alternate: A1 B1 A2 B2', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const [a, b] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
    const seen: string[] = []
    for (const task of [1, 2, 3]) a.postTask(() => void seen.push(`A${task}`))
    for (const task of [1, 2, 3]) b.postTask(() => void seen.push(`B${task}`))
    await Promise.all([a.waitIdle(), b.waitIdle()])
    expect(seen).toEqual(['A1', 'B1', 'A2', 'B2', 'A3', 'B3'])
  })

  test('S5 a parallel runner takes one task per visit too', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const parallel = new ParallelTaskRunner(pool, { maxConcurrency: 10 })
    const sequence = new SequencedTaskRunner(pool)
    const seen: string[] = []
    for (const task of [1, 2, 3]) parallel.postTask(() => void seen.push(`P${task}`))
    for (const task of [1, 2, 3]) sequence.postTask(() => void seen.push(`S${task}`))
    await Promise.all([parallel.waitIdle(), sequence.waitIdle()])
    expect(seen).toEqual(['P1', 'S1', 'P2', 'S2', 'P3', 'S3'])
  })

  test('S2 another sequence goes on while one is taken', async () => {
    await using env = createTestEnvironment()
    const [a, b] = [new SequencedTaskRunner(env.pool), new SequencedTaskRunner(env.pool)]
    const gate = deferred()
    const seen: string[] = []
    a.postTask(() => gate.promise)
    a.postTask(() => void seen.push('a2'))
    b.postTask(() => void seen.push('b1'))
    await env.runUntilIdle()
    expect(seen).toEqual(['b1'])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['b1', 'a2'])
  })

  test('S2 POOL-07 a sequence never occupies two slots', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 4 } })
    const runner = new SequencedTaskRunner(env.pool)
    let most = 0
    for (let task = 0; task < 20; task++) {
      runner.postTask(async (context) => {
        most = Math.max(most, env.pool.stats().active)
        await context.sleep(1)
      })
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(most).toBe(1)
  })

  test('S4 a single-thread runner opens one thread, and every task of it runs there', async () => {
    const threads: string[] = []
    const ran: string[] = []
    const executor = inlineExecutor()
    executor.openThread = ({ name }) => {
      threads.push(name)
      return {
        execute: (task, execution) => {
          ran.push(name)
          return typeof task === 'function' ? task(execution) : undefined
        },
        close: () => Promise.resolve(),
        terminate: () => Promise.resolve(),
      }
    }
    await using pool = new ThreadPool({ executor })
    const runner = new SingleThreadTaskRunner(pool, { name: 'db' })
    const other = new SequencedTaskRunner(pool)
    await Promise.all([runner.run(() => 1), runner.run(() => 2), other.run(() => 3)])
    expect(threads).toEqual(['db'])
    expect(ran).toEqual(['db', 'db'])
  })

  test('S4 a single-thread runner uses no slot: it starts while every slot is taken', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 1 } })
    const busy = new SequencedTaskRunner(env.pool)
    const own = new SingleThreadTaskRunner(env.pool)
    const seen: string[] = []
    busy.postTask(async (context) => {
      await context.sleep(10)
      seen.push('busy ends')
    })
    own.postTask(() => void seen.push('own'))
    await env.advanceBy(10)
    expect(seen).toEqual(['own', 'busy ends'])
  })
})
