// The faults that were found in go-task-runner, the forerunner of this library, by the numbers of that list. Each that
// can exist in JavaScript has a test here that shows that it does not.
import { inlineExecutor } from '@posttask/backend-inline'
import {
  createTaskRunner,
  type Executor,
  initGlobalThreadPool,
  ParallelTaskRunner,
  PoolClosedError,
  RunnerClosedError,
  type RunnerOptions,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  shutdownGlobalThreadPool,
  type TaskErrorEvent,
  type TaskFinishedEvent,
  type TaskRejectedEvent,
  type TaskRunner,
  ThreadPool,
  type ThreadPoolOptions,
} from '@posttask/core'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'

const runners = {
  sequenced: (pool: ThreadPool, options?: RunnerOptions): TaskRunner => new SequencedTaskRunner(pool, { name: 'r', ...options }),
  'single-thread': (pool: ThreadPool, options?: RunnerOptions): TaskRunner =>
    new SingleThreadTaskRunner(pool, { name: 'r', ...options }),
  parallel: (pool: ThreadPool, options?: RunnerOptions): TaskRunner =>
    new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 2, ...options }),
}

interface Quiet {
  readonly env: TestEnvironment
  readonly errors: TaskErrorEvent[]
  readonly rejections: TaskRejectedEvent[]
}

const quietEnvironment = (pool: Omit<ThreadPoolOptions, 'executor'> = {}, slots?: number): Quiet => {
  const errors: TaskErrorEvent[] = []
  const rejections: TaskRejectedEvent[] = []
  const env = createTestEnvironment({
    ...(slots !== undefined && { executor: { maxConcurrency: slots } }),
    pool: { onTaskError: (event) => void errors.push(event), onTaskRejected: (event) => void rejections.push(event), ...pool },
  })
  return { env, errors, rejections }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(Object.entries(runners))('on a %s runner', (kind, makeRunner) => {
  test('B-01 B-36 W7 posts to a closed runner do not vanish: each is reported and counted, delayed ones too', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool)
    runner.shutdown()
    runner.postTask(() => {}, { name: 'plain' })
    runner.postDelayedTask(() => {}, 5, { name: 'delayed' })
    runner.postTaskAndReply(
      () => {},
      () => {},
      { name: 'asked', replyTo: runner },
    )
    expect(rejections.map((event) => [event.runner.name, event.name, event.reason])).toEqual(
      ['plain', 'delayed', 'asked'].map((name) => ['r', name, 'runner-closed']),
    )
    expect(runner.stats().rejected).toBe(3)
    await env.discard()
  })

  test('B-02 W3 waitIdle does not hang when the runner is shut down meanwhile', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    runner.postTask(() => {})
    const idle = runner.waitIdle()
    runner.shutdown()
    await env.runUntilIdle()
    await idle
  })

  test('B-03 W5 W6 a graceful end loses no work: everything queued runs', async () => {
    const { env } = quietEnvironment({}, 1)
    const runner = makeRunner(env.pool)
    let ran = 0
    for (let task = 0; task < 20; task++) runner.postTask((context) => context.sleep(1).then(() => void ran++))
    const closing = env.pool.close({ timeoutMs: 1000 })
    await env.advanceBy(20)
    expect(await closing).toEqual({ completed: 20, dropped: 0, terminated: 0, lost: [] })
    expect(ran).toBe(20)
  })

  test('B-04 F2 an executor that throws by itself does not leave the runner dead', async () => {
    let isBroken = true
    const inline = inlineExecutor()
    const execute: Executor['execute'] = (task, execution) => {
      if (isBroken) throw new Error('no thread')
      return inline.execute(task, execution)
    }
    const openThread: Executor['openThread'] = () => ({ execute, close: async () => {}, terminate: async () => {} })
    const executor = executorWith({ execute, openThread, maxConcurrency: 1 })
    await using pool = new ThreadPool({ executor })
    const runner = makeRunner(pool)
    await expect(runner.run(() => 1)).rejects.toThrow('no thread')
    isBroken = false
    expect(await runner.run(() => 2)).toBe(2)
    expect(runner.stats()).toMatchObject({ running: 0, failed: 1, completed: 1 })
  })

  test('B-05 W3 stopping runner and pool from inside of an own task does not deadlock', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const outcome = runner.run(async () => {
      runner.shutdown()
      await env.pool.close().catch(() => {})
      return 'ended'
    })
    await env.runUntilIdle()
    expect(await outcome).toBe('ended')
    expect(await env.pool.close()).toMatchObject({ completed: 1 })
  })

  test('B-06 W4 shutdown means the same for every runner: what is queued is dropped', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask(() => void seen.push('queued'))
    expect(runner.shutdown().dropped).toHaveLength(1)
    await env.runUntilIdle()
    expect(seen).toEqual([])
  })

  test('B-07 W5 closed resolves when the last task has ended, not when the end was asked for', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    runner.postTask((context) => context.sleep(10).then(() => void seen.push('task ends')))
    await env.runUntilIdle()
    void runner.closed.then(() => seen.push('closed'))
    runner.shutdown()
    await env.advanceBy(10)
    expect(seen).toEqual(['task ends', 'closed'])
  })

  test('B-08 C2 W6 a running task hears of the end: its signal fires', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const reasons: unknown[] = []
    runner.postTask((context) => context.sleep(60_000).catch((reason: unknown) => void reasons.push(reason)))
    await env.runUntilIdle()
    await env.pool.terminate()
    await env.runUntilIdle()
    expect(reasons).toEqual([expect.any(PoolClosedError)])
  })

  test('B-09 W3 waitIdle from a task of the same runner is refused instead of hanging', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const outcome = runner.run(() => runner.waitIdle())
    outcome.catch(() => {})
    await env.runUntilIdle()
    await expect(outcome).rejects.toThrow(SequenceDeadlockError)
  })

  test('B-10 W2 there is a wait that covers follow-up posts', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    let level = 0
    const post = (): void => void runner.postTask(() => void (++level < 20 && post()))
    post()
    const quiescent = runner.waitQuiescent().then(() => level)
    await env.runUntilIdle()
    expect(await quiescent).toBe(20)
  })

  test('B-11 B-37 W1 when waitIdle resolves nothing counts as running, and a queued task does not either', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    for (let round = 0; round < 50; round++) {
      runner.postTask(async () => {})
      expect(runner.stats()).toMatchObject({ running: 0, pending: 1 })
      await runner.waitIdle()
      expect(runner.stats()).toMatchObject({ running: 0, pending: 0 })
    }
  })

  test('B-12 W1 an aborted waitIdle, and one that waits, stall nobody', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const pause = runner.pause()
    runner.postTask(() => {})
    const aborter = new AbortController()
    runner.waitIdle({ signal: aborter.signal }).catch(() => {})
    void runner.waitIdle()
    aborter.abort()
    pause[Symbol.dispose]()
    let ran = false
    runner.postTask(() => void (ran = true))
    await env.runUntilIdle()
    expect(ran).toBe(true)
  })

  test('B-13 W1 a barrier on an idle runner holds back what is posted after it, until its promise has settled', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    void runner.flush(async (context) => {
      await context.sleep(10)
      seen.push('barrier ends')
    })
    for (const task of [1, 2]) runner.postTask(() => void seen.push(`task ${task}`))
    await env.advanceBy(10)
    expect(seen).toEqual(['barrier ends', 'task 1', 'task 2'])
  })

  test('B-14 W3 a barrier that waits when the runner is shut down is not dropped without a word', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const flushed = runner.flush(() => {})
    runner.shutdown()
    await expect(flushed).rejects.toThrow(RunnerClosedError)
    await env.runUntilIdle()
  })

  test('B-17 W4 a post from a hook in the middle of a shutdown is refused: closing is one step', async () => {
    const states: string[] = []
    const { env } = quietEnvironment({
      observer: {
        onRejected: ({ runner, reason }) =>
          void (reason === 'shutdown' && states.push(runner.postTask(() => void states.push('ran')).state)),
      },
    })
    const runner = makeRunner(env.pool)
    for (let task = 0; task < 3; task++) runner.postTask(() => void states.push('ran'))
    runner.shutdown()
    await env.runUntilIdle()
    expect(states).toEqual(['rejected', 'rejected', 'rejected'])
  })

  test('B-18 B-25 Q1 every runner can be bounded, and drops where it says so, without blocking the poster', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 2, onFull: 'drop-newest' })
    for (let task = 0; task < 200; task++) runner.postTask(() => {})
    const room = 2 + runner.maxConcurrency
    expect([runner.stats().pending, rejections.length]).toEqual([room, 200 - room])
    await env.runUntilIdle()
  })

  test('B-19 S3 a task that posts a thousand tasks to its own runner does not deadlock it', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    let ran = 0
    runner.postTask(() => {
      for (let task = 0; task < 1000; task++) runner.postTask(() => void ran++)
    })
    await env.runUntilIdle()
    expect(ran).toBe(1000)
  })

  test('B-24 F3 an error hook that throws does not take the process or the runner down', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { env } = quietEnvironment({
      onTaskError: () => {
        throw new Error('broken hook')
      },
    })
    const runner = makeRunner(env.pool)
    runner.postTask(() => {
      throw new Error('expected')
    })
    const next = runner.run(() => 'next')
    await env.runUntilIdle()
    expect(await next).toBe('next')
    expect(print).toHaveBeenCalledOnce()
  })

  test('B-26 Q1 a full queue refuses neither barriers nor repeat ticks', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const pause = runner.pause()
    runner.postTask(() => {})
    const handle = runner.postRepeatingTask(() => {}, 5)
    const waits = Promise.all([runner.flush(), runner.waitIdle()])
    await env.advanceBy(5)
    pause[Symbol.dispose]()
    await env.advanceBy(5)
    await waits
    expect([handle.state, handle.runCount > 0]).toEqual(['scheduled', true])
    handle.stop()
  })

  test('B-27 S3 pending is exact as soon as a post returns, however many there are', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    for (let task = 1; task <= 500; task++) {
      runner.postTask(() => {})
      expect(runner.stats().pending).toBe(task)
    }
    await env.runUntilIdle()
  })

  test('B-28 D1 a runner that is stuck does not stall the delayed tasks of others', async () => {
    const { env } = quietEnvironment()
    const stuck = makeRunner(env.pool, { queueLimit: 1 })
    const other = makeRunner(env.pool)
    const gate = deferred()
    for (let task = 0; task < 3; task++) stuck.postDelayedTask(() => gate.promise, 5)
    let at: number | undefined
    other.postDelayedTask(() => void (at = env.clock.now()), 6)
    await env.advanceBy(10)
    expect(at).toBe(6)
    gate.resolve()
    await env.runUntilIdle()
  })

  test('B-29 C1 W4 delayed tasks can be cancelled, end with their runner, and are not kept for a closed one', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    expect(runner.postDelayedTask(() => {}, 50).cancel()).toBe(true)
    expect(env.nextDeadline()).toBeUndefined()
    const handle = runner.postDelayedTask(() => {}, 50)
    runner.shutdown()
    expect([handle.state, runner.postDelayedTask(() => {}, 50).state, env.nextDeadline()]).toEqual([
      'rejected',
      'rejected',
      undefined,
    ])
  })

  test('B-30 D1 D2 two thousand equal delays keep their order, and a negative one is refused at the call', async () => {
    const { env } = quietEnvironment({}, 1)
    const runner = makeRunner(env.pool)
    const seen: number[] = []
    for (let task = 0; task < 2000; task++) runner.postDelayedTask(() => void seen.push(task), 10)
    await env.advanceBy(10)
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, index) => index))
    expect(() => runner.postDelayedTask(() => {}, -1)).toThrow(RangeError)
    expect(() => runner.postRepeatingTask(() => {}, -1)).toThrow(RangeError)
  })

  test('B-31 W4 the list that shutdown gives is not changed by what happens later', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const handles = [1, 2, 3].map(() => runner.postTask(() => {}))
    const { dropped } = runner.shutdown()
    runner.postTask(() => {})
    runner.shutdown()
    await env.runUntilIdle()
    expect(dropped).toEqual(handles)
  })

  test('B-32 B-33 F1 F7 results and errors reach the asker, by promise or by reply', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const error = new Error('expected')
    const seen: unknown[] = []
    const outcome = runner.run(() => Promise.reject(error)).catch((reason: unknown) => seen.push(reason))
    runner.postTaskAndReply(
      () => Promise.reject(error),
      () => void seen.push('reply'),
      { replyTo: runner, onError: (reason) => void seen.push(reason) },
    )
    await env.runUntilIdle()
    await outcome
    expect(seen).toEqual([error, error])
  })

  test('B-34 B-35 B-38 F2 one event for each task, with its own name and that of its runner, a failed one not counted as a success', async () => {
    const finished: TaskFinishedEvent[] = []
    const { env, errors } = quietEnvironment({ observer: { onFinished: (event) => void finished.push(event) } })
    const runner = makeRunner(env.pool)
    runner.postTask(() => {}, { name: 'good' })
    runner.postDelayedTask(
      () => {
        throw new Error('expected')
      },
      5,
      { name: 'bad' },
    )
    await env.advanceBy(5)
    expect(finished.map(({ runner: on, name, outcome }) => [on.name, on.kind, name, outcome])).toEqual([
      ['r', kind, 'good', 'succeeded'],
      ['r', kind, 'bad', 'failed'],
    ])
    expect(errors.map(({ runner: on, name }) => [on.name, name])).toEqual([['r', 'bad']])
    expect(runner.stats()).toMatchObject({ completed: 1, failed: 1 })
  })

  test('B-37 W1 barrierPending is true while a barrier waits and while it runs', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const gate = deferred()
    const seen: boolean[] = []
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const flushed = runner.flush(() => void seen.push(runner.stats().barrierPending))
    seen.push(runner.stats().barrierPending)
    gate.resolve()
    await env.runUntilIdle()
    await flushed
    seen.push(runner.stats().barrierPending)
    expect(seen).toEqual([true, true, false])
  })

  test('B-39 D4 the handle of a repeating task tells why it ended', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const failing = runner.postRepeatingTask(() => Promise.reject(new Error('expected')), 5, { onError: 'stop' })
    const going = runner.postRepeatingTask(() => {}, 5)
    await env.advanceBy(5)
    runner.shutdown()
    expect([failing.state, going.state]).toEqual(['failed', 'closed'])
  })

  test('B-40 F6 null instead of a task or a callback is refused at the post', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    expect(() => runner.postTask(null as never)).toThrow(TypeError)
    expect(() => runner.postTaskAndReply(() => {}, null as never, { replyTo: runner })).toThrow(TypeError)
    expect(() => runner.flush(5 as never)).toThrow(TypeError)
  })

  test('B-41 E3 a hundred runners, used and closed, leave no handle behind', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const count = (): number => process.getActiveResourcesInfo().filter((type) => type !== 'Immediate').length
    const before = count()
    const all = Array.from({ length: 100 }, () => makeRunner(pool))
    await Promise.all(all.map((runner) => runner.run(async () => {})))
    await Promise.all(all.map((runner) => runner.close()))
    await new Promise((resolve) => setImmediate(resolve))
    // Others in this process may come and go meanwhile, but not a hundred.
    expect(count()).toBeLessThan(before + 50)
    expect(pool.runners).toEqual([])
  })

  test('B-43 ids are counters that the poster sees', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool)
    const [first, second] = [runner.postTask(() => {}), runner.postTask(() => {})]
    expect(second.id - first.id).toBe(1)
    await env.runUntilIdle()
  })
})

test('B-12 W1 waitIdle of a parallel runner is not stop-the-world: free slots go on taking work', async () => {
  const { env } = quietEnvironment()
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4 })
  const gate = deferred()
  runner.postTask(() => gate.promise)
  let isIdle = false
  void runner.waitIdle().then(() => {
    isIdle = true
  })
  let ran = 0
  for (let task = 0; task < 10; task++) runner.postTask(() => void ran++)
  await env.runUntilIdle()
  expect([ran, isIdle]).toEqual([10, false])
  gate.resolve()
  await env.runUntilIdle()
  expect(isIdle).toBe(true)
})

test('B-15 W6 a pool is not started again: what was closed stays closed, and says so', async () => {
  const { env } = quietEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  await env.pool.close()
  expect(() => new SequencedTaskRunner(env.pool)).toThrow(PoolClosedError)
  await expect(runner.run(() => {})).rejects.toThrow(RunnerClosedError)
  expect(env.pool.isClosed).toBe(true)
})

test('B-16 W6 an idle pool closes without waiting for any timer', async () => {
  const { env } = quietEnvironment()
  new SequencedTaskRunner(env.pool)
  new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
  await env.pool.close({ timeoutMs: 1000 })
  expect(env.clock.now()).toBe(0)
})

test('B-20 P2 priorities work by default', async () => {
  const { env } = quietEnvironment({}, 1)
  const seen: string[] = []
  new SequencedTaskRunner(env.pool).postTask(() => void seen.push('low'), { priority: 'best-effort' })
  new SequencedTaskRunner(env.pool).postTask(() => void seen.push('high'), { priority: 'user-blocking' })
  await env.runUntilIdle()
  expect(seen).toEqual(['high', 'low'])
})

test('B-21 P1 createTaskRunner honours its traits, and a parallel runner its priorities', async () => {
  initGlobalThreadPool({ executor: inlineExecutor() })
  expect(createTaskRunner({ priority: 'best-effort' }).stats().priority).toBe('best-effort')
  await shutdownGlobalThreadPool()
  const { env } = quietEnvironment()
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
  const seen: string[] = []
  runner.postTask(() => void seen.push('low'), { priority: 'best-effort' })
  runner.postTask(() => void seen.push('high'), { priority: 'user-blocking' })
  await env.runUntilIdle()
  expect(seen).toEqual(['high', 'low'])
})

test('B-22 P3 an urgent task behind a best-effort one is not stuck behind the work of others', async () => {
  const { env } = quietEnvironment({}, 1)
  const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
  const seen: string[] = []
  low.postTask(() => void seen.push('low'))
  for (let task = 0; task < 5; task++) new SequencedTaskRunner(env.pool).postTask(() => void seen.push('visible'))
  low.postTask(() => void seen.push('urgent'), { priority: 'user-blocking' })
  await env.runUntilIdle()
  expect(seen.slice(0, 2)).toEqual(['low', 'urgent'])
})

test('B-23 P4 best-effort work is not starved for ever', async () => {
  const { env } = quietEnvironment({ agingMs: 100 }, 1)
  const urgent = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
  let ran = false
  new SequencedTaskRunner(env.pool, { priority: 'best-effort' }).postTask(() => void (ran = true))
  const again = (): void => void (!ran && urgent.postTask((context) => context.sleep(10).then(again)))
  again()
  await env.advanceBy(400)
  expect(ran).toBe(true)
})

test('B-35 pools and runners have names of their own: two pools do not overwrite each other', async () => {
  const seen: string[] = []
  const observer = { onFinished: ({ runner }: TaskFinishedEvent) => void seen.push(`${runner.pool.name}/${runner.name}`) }
  const pools = [1, 2].map(() => new ThreadPool({ executor: inlineExecutor(), observer }))
  for (const pool of pools) {
    for (let number = 0; number < 2; number++) await new SequencedTaskRunner(pool).run(() => {})
    await pool.close()
  }
  expect(new Set(seen).size).toBe(4)
})

test('B-42 F2 hooks belong to the pool: an executor that knows nothing of them loses none', async () => {
  const errors: TaskErrorEvent[] = []
  const executor = executorWith({
    accepts: ['closure'],
    execute: (task, execution) => (typeof task === 'function' ? task(execution) : undefined),
  })
  await using pool = new ThreadPool({ executor, onTaskError: (event) => void errors.push(event) })
  const runner = new SequencedTaskRunner(pool)
  runner.postTask(() => {
    throw new Error('expected')
  })
  await runner.waitIdle()
  expect(errors).toHaveLength(1)
})

test('B-57 B-58 F3 taking an observer out twice takes nobody else out, and the others keep their order', async () => {
  const seen: string[] = []
  const { env } = quietEnvironment()
  const added = ['a', 'b', 'c', 'd'].map((name) => env.pool.addObserver({ onStarted: () => void seen.push(name) }))
  for (const index of [0, 3, 0, 3]) added[index]?.[Symbol.dispose]()
  new SequencedTaskRunner(env.pool).postTask(() => {})
  await env.runUntilIdle()
  expect(seen).toEqual(['b', 'c'])
})
