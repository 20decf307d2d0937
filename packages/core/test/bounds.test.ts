import { inlineExecutor } from '@posttask/backend-inline'
import {
  type Observer,
  ParallelTaskRunner,
  QueueFullError,
  type RunnerOptions,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskRejectedEvent,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment, RecordingObserver } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool, options: RunnerOptions): TaskRunner => new SequencedTaskRunner(pool, { name: 'r', ...options }),
  'single-thread': (pool: ThreadPool, options: RunnerOptions): TaskRunner =>
    new SingleThreadTaskRunner(pool, { name: 'r', ...options }),
  parallel: (pool: ThreadPool, options: RunnerOptions): TaskRunner =>
    new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 1, ...options }),
}

const quietEnvironment = () => {
  const rejections: TaskRejectedEvent[] = []
  return { rejections, env: createTestEnvironment({ pool: { onTaskRejected: (event) => void rejections.push(event) } }) }
}

describe.each(Object.entries(runners))('queueLimit of a %s runner', (_kind, makeRunner) => {
  test("Q1 G-74 onFull 'reject': a post beyond the limit is refused and reported, run rejects with QueueFullError", async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 100 })
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const seen: number[] = []
    const handles = Array.from({ length: 200 }, (_, task) => runner.postTask(() => void seen.push(task)))
    const asked = runner.run(() => {}, { name: 'asked' })
    await expect(asked).rejects.toThrow(QueueFullError)
    await expect(asked).rejects.toThrow(/"asked".*"r".*queueLimit of 100/)
    expect(handles.filter(({ state }) => state === 'rejected')).toEqual(handles.slice(100))
    expect(rejections).toHaveLength(100)
    expect(rejections.every(({ reason, error }) => reason === 'queue-full' && error instanceof QueueFullError)).toBe(true)
    expect(runner.stats()).toMatchObject({ pending: 100, rejected: 101 })
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index))
    await env[Symbol.asyncDispose]()
  })

  test("Q1 onFull 'drop-newest': the post is dropped and reported", async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 2, onFull: 'drop-newest' })
    const seen: number[] = []
    for (let task = 0; task < 5; task++) runner.postTask(() => void seen.push(task))
    await env.runUntilIdle()
    // The first has a free slot, so it does not wait.
    expect(seen).toEqual([0, 1, 2])
    expect(rejections.map(({ reason }) => reason)).toEqual(['dropped-newest', 'dropped-newest'])
    await env[Symbol.asyncDispose]()
  })

  test("Q1 onFull 'drop-oldest': the one that waits longest is dropped and reported, and run of it rejects", async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 2, onFull: 'drop-oldest' })
    const seen: number[] = []
    runner.postTask(() => void seen.push(-2))
    const first = runner.run(() => void seen.push(-1))
    for (let task = 0; task < 4; task++) runner.postTask(() => void seen.push(task), { name: `${task}` })
    await expect(first).rejects.toThrow(QueueFullError)
    await env.runUntilIdle()
    // The very first has a free slot: it is not the one that waits.
    expect(seen).toEqual([-2, 2, 3])
    expect(rejections.map(({ name, reason }) => [name, reason])).toEqual([
      ['0', 'dropped-oldest'],
      ['1', 'dropped-oldest'],
    ])
    expect(runner.stats()).toMatchObject({ rejected: 3, completed: 3 })
    await env[Symbol.asyncDispose]()
  })

  test('Q1 ready gives back-pressure: it resolves when there is room, and a producer that awaits it loses nothing', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 3 })
    const seen: number[] = []
    let most = 0
    const produce = async (): Promise<void> => {
      for (let task = 0; task < 50; task++) {
        await runner.ready()
        runner.postTask((context) => context.sleep(1).then(() => void seen.push(task)))
        most = Math.max(most, runner.stats().pending)
      }
    }
    const produced = produce()
    await env.advanceBy(60)
    await produced
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index))
    // Three that wait, and one for which there is a slot.
    expect([most, rejections]).toEqual([4, []])
    await env[Symbol.asyncDispose]()
  })

  test('Q1 many producers that await ready never meet a full queue, and are served in turn', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 2 })
    const seen: number[] = []
    const produce = async (producer: number): Promise<void> => {
      for (let task = 0; task < 10; task++) {
        await runner.ready()
        runner.postTask((context) => context.sleep(1).then(() => void seen.push(producer)))
      }
    }
    const produced = Promise.all([0, 1, 2, 3, 4].map(produce))
    await env.advanceBy(200)
    await produced
    expect(seen).toHaveLength(50)
    expect(rejections).toEqual([])
    expect(new Set(seen.slice(0, 10)).size).toBe(5)
    await env[Symbol.asyncDispose]()
  })

  test('Q1 a place that ready() gave is not taken by a post that comes first', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const seen: string[] = []
    const work = (item: number) => () => {
      seen.push(`item ${item}`)
      if (item === 1) runner.postTask(() => void seen.push('follow-up'), { name: 'follow-up' })
    }
    const produced = (async () => {
      for (const item of [1, 2, 3]) {
        await runner.ready()
        runner.postTask(work(item), { name: `item ${item}` })
      }
    })()
    await env.runUntilIdle()
    await produced
    await env.runUntilIdle()
    expect(rejections.map(({ name }) => name)).toEqual(['follow-up'])
    expect(seen).toEqual(['item 1', 'item 2', 'item 3'])
    await env[Symbol.asyncDispose]()
  })

  test('Q1 a free slot counts as room: a burst of as many as may run and as many as may wait is taken whole', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 3 })
    const seen: number[] = []
    for (let task = 0; task < 5; task++) runner.postTask(() => void seen.push(task))
    expect(rejections).toHaveLength(1)
    await env.runUntilIdle()
    expect(seen).toEqual([0, 1, 2, 3])
    const pause = runner.pause()
    // Nothing of a paused runner can start.
    for (let task = 0; task < 4; task++) runner.postTask(() => {})
    expect(rejections).toHaveLength(2)
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    await env[Symbol.asyncDispose]()
  })

  test('Q1 a producer that was told there is room and does not post holds nobody up', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool, { queueLimit: 1 })
    await runner.ready()
    await runner.ready()
    expect(await runner.run(() => 'fine')).toBe('fine')
  })

  test('Q1 ready resolves at once where there is room, and rejects when the runner is closed', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const gate = deferred()
    await runner.ready()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    await runner.ready()
    runner.postTask(() => {})
    const waiting = runner.ready()
    waiting.catch(() => {})
    runner.shutdown()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
    gate.resolve()
    await env.runUntilIdle()
    await env[Symbol.asyncDispose]()
  })

  test('Q1 barriers and repeat ticks do not count, and are not refused', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    const seen: string[] = []
    runner.postTask(() => void seen.push('task'))
    const flushed = runner.flush(() => void seen.push('barrier'))
    const idle = runner.waitIdle()
    using _repeating = runner.postRepeatingTask(() => void seen.push('tick'), 5)
    await env.advanceBy(7)
    expect(runner.postTask(() => {}).state).toBe('rejected')
    gate.resolve()
    await env.runUntilIdle()
    await Promise.all([flushed, idle])
    await env.advanceBy(5)
    expect(seen).toEqual(['task', 'barrier', 'tick', 'tick'])
    expect(rejections).toHaveLength(1)
    runner.shutdown()
    await env[Symbol.asyncDispose]()
  })

  test('Q1 delayed tasks count from when they are due: then refused and reported where there is no room', async () => {
    const { env, rejections } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const pause = runner.pause()
    const first = runner.postDelayedTask(() => {}, 10, { name: 'first' })
    const second = runner.postDelayedTask(() => {}, 20, { name: 'second' })
    expect(runner.postTask(() => {}).state).toBe('queued')
    await env.advanceBy(20)
    expect([first.state, second.state]).toEqual(['rejected', 'rejected'])
    expect(rejections.map(({ name, reason }) => [name, reason])).toEqual([
      ['first', 'queue-full'],
      ['second', 'queue-full'],
    ])
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    await env[Symbol.asyncDispose]()
  })

  test('Q1 a cancelled task makes room', async () => {
    const { env } = quietEnvironment()
    const runner = makeRunner(env.pool, { queueLimit: 1 })
    const pause = runner.pause()
    const handle = runner.postTask(() => {})
    let isReady = false
    void runner.ready().then(() => {
      isReady = true
    })
    await env.runUntilIdle()
    expect(isReady).toBe(false)
    handle.cancel()
    await env.runUntilIdle()
    expect(isReady).toBe(true)
    pause[Symbol.dispose]()
    await env[Symbol.asyncDispose]()
  })

  test('Q1 a limit or a policy that is none is refused at the call', async () => {
    const { env } = quietEnvironment()
    for (const queueLimit of [0, -1, 1.5, Number.NaN]) expect(() => makeRunner(env.pool, { queueLimit })).toThrow(RangeError)
    expect(() => makeRunner(env.pool, { onFull: 'wait' as never })).toThrow(TypeError)
    expect(env.pool.runners).toEqual([])
    await env[Symbol.asyncDispose]()
  })
})

test('W3 Q1 waiting for room on the own full sequence is a SequenceDeadlockError', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor(), onTaskRejected: () => {} })
  const runner = new SequencedTaskRunner(pool, { queueLimit: 1 })
  const caught = await runner.run(async () => {
    runner.postTask(() => {})
    return runner.ready().catch((error: unknown) => error)
  })
  expect(caught).toBeInstanceOf(SequenceDeadlockError)
})

test("Q1 W1 'drop-oldest' never drops a barrier or a repeat tick: they do not count", async () => {
  const { env, rejections } = quietEnvironment()
  const runner = new SequencedTaskRunner(env.pool, { queueLimit: 1, onFull: 'drop-oldest' })
  const pause = runner.pause()
  const seen: string[] = []
  using _repeating = runner.postRepeatingTask(() => void seen.push('tick'), 1000, { initialDelay: 0 })
  await env.runUntilIdle()
  const flushed = runner.flush(() => void seen.push('barrier'))
  for (const task of ['a', 'b', 'c']) runner.postTask(() => void seen.push(task), { name: task })
  expect(runner.stats().pending).toBe(2)
  pause[Symbol.dispose]()
  await env.runUntilIdle()
  await flushed
  expect(seen).toEqual(['tick', 'barrier', 'c'])
  expect(rejections.map(({ name }) => name)).toEqual(['a', 'b'])
  runner.shutdown()
  await env[Symbol.asyncDispose]()
})

describe('places in a bounded queue', () => {
  test('Q1 everybody who asked for room and does not post is told in turn, however many they are', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool, { queueLimit: 1 })
    const asked = [1, 2, 3, 4].map(() => runner.ready())
    expect(await Promise.all(asked)).toHaveLength(4)
  })

  test('Q1 the place of a task that is dropped goes to the post that dropped it, not to who waits for room', async () => {
    const { env, rejections } = quietEnvironment()
    await using _ = env
    const runner = new SequencedTaskRunner(env.pool, { queueLimit: 1, onFull: 'drop-oldest' })
    const gate = deferred()
    runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    runner.postTask(() => {}, { name: 'a' })
    let isTold = false
    const ready = runner.ready().then(() => {
      isTold = true
    })
    runner.postTask(() => {}, { name: 'b' })
    await env.runUntilIdle()
    expect([isTold, runner.stats().pending]).toEqual([false, 1])
    expect(rejections.map(({ name }) => name)).toEqual(['a'])
    gate.resolve()
    await env.runUntilIdle()
    await ready
  })

  test('Q1 a hook that posts again what was dropped does not exceed the limit', async () => {
    let left = 3
    await using env = createTestEnvironment({
      pool: {
        onTaskRejected: ({ runner }) => {
          if (left-- > 0) runner.postTask(() => {})
        },
      },
    })
    const runner = new SequencedTaskRunner(env.pool, { queueLimit: 2, onFull: 'drop-oldest' })
    const pause = runner.pause()
    const depths: number[] = []
    for (let task = 0; task < 5; task++) {
      runner.postTask(() => {})
      depths.push(runner.stats().pending)
    }
    expect(depths).toEqual([1, 2, 2, 2, 2])
    pause[Symbol.dispose]()
    await env.runUntilIdle()
  })

  test.each(['reject', 'drop-oldest'] as const)('Q1 S4 the init task takes no place and is not dropped (%s)', async (onFull) => {
    const { env, rejections } = quietEnvironment()
    await using _ = env
    const seen: string[] = []
    const init = (): void => void seen.push('init')
    const runner = new SingleThreadTaskRunner(env.pool, { init, queueLimit: 1, onFull })
    runner.postTask(() => void seen.push('task'))
    await env.runUntilIdle()
    expect(seen).toEqual(['init', 'task'])
    expect(rejections).toEqual([])
  })
})

describe('a task that loses its place in the very post that took it', () => {
  // The reply to the task that it displaces displaces it in turn.
  const displaced = (observer: Observer) => {
    const env = createTestEnvironment({ pool: { onTaskRejected: () => {}, observer } })
    const runner = new SequencedTaskRunner(env.pool, { queueLimit: 1, onFull: 'drop-oldest' })
    const pause = runner.pause()
    runner.postTaskAndReply(
      () => {},
      () => {},
      { replyTo: runner, onError: () => {} },
    )
    const handle = runner.postTask(() => {}, { name: 'displaced', queueTimeout: 60_000 })
    return { env, handle, pause }
  }

  test('Q1 it is reported as posted, then as dropped', async () => {
    const observer = new RecordingObserver()
    const { env, handle, pause } = displaced(observer)
    expect(handle.state).toBe('rejected')
    expect(observer.events.filter(({ id }) => id === handle.id).map(({ kind }) => kind)).toEqual(['posted', 'rejected'])
    pause[Symbol.dispose]()
    await env.discard()
  })

  test('D5 Q1 its queueTimeout leaves no timer behind', async () => {
    const { env, handle, pause } = displaced({})
    expect(handle.state).toBe('rejected')
    expect(env.nextDeadline()).toBeUndefined()
    pause[Symbol.dispose]()
    await env.discard()
  })
})
