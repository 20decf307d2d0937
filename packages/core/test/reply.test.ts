import {
  currentTaskRunner,
  ParallelTaskRunner,
  RunnerClosedError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskErrorEvent,
  type TaskRejectedEvent,
  type TaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'seq' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'one' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'par', maxConcurrency: 2 }),
}
const pairs = Object.entries(runners).flatMap(([from, makeTarget]) =>
  Object.entries(runners).map(([to, makeOrigin]) => [`${from} to ${to}`, makeTarget, makeOrigin] as const),
)

const quietEnvironment = () => {
  const errors: TaskErrorEvent[] = []
  const rejections: TaskRejectedEvent[] = []
  const env = createTestEnvironment({
    pool: { onTaskError: (event) => void errors.push(event), onTaskRejected: (event) => void rejections.push(event) },
  })
  return { env, errors, rejections }
}

describe.each(pairs)('task and reply, %s', (_pair, makeTarget, makeOrigin) => {
  test('F7 RPL-01 G-114 G-115 G-120 G-123 the reply runs on replyTo, after the task, with its result', async () => {
    await using env = createTestEnvironment()
    const target = makeTarget(env.pool)
    const origin = makeOrigin(env.pool)
    const seen: unknown[] = []
    target.postTaskAndReply(
      async (context) => {
        seen.push(currentTaskRunner() === target, context.runner === target)
        await context.sleep(50)
        seen.push('task ends')
        return { length: 11 }
      },
      (result, context) => {
        seen.push(currentTaskRunner() === origin, context.runner === origin, result.length)
      },
      { replyTo: origin },
    )
    await env.advanceBy(49)
    expect(seen).toEqual([true, true])
    await env.advanceBy(1)
    expect(seen).toEqual([true, true, 'task ends', true, true, 11])
  })

  test('F7 RPL-07 G-116 a failed task skips the reply and calls onError there', async () => {
    const { env, errors } = quietEnvironment()
    const target = makeTarget(env.pool)
    const origin = makeOrigin(env.pool)
    const error = new Error('expected')
    const seen: unknown[] = []
    target.postTaskAndReply(
      () => {
        throw error
      },
      () => void seen.push('reply'),
      { replyTo: origin, onError: (reason, context) => void seen.push(reason, context.runner === origin) },
    )
    await env.runUntilIdle()
    expect(seen).toEqual([error, true])
    expect(errors).toEqual([])
    await env[Symbol.asyncDispose]()
  })

  test('F7 G-118 G-126 without onError the error hook is told, once', async () => {
    const { env, errors } = quietEnvironment()
    const target = makeTarget(env.pool)
    const seen: string[] = []
    const error = new Error('expected')
    target.postTaskAndReply(
      async () => {
        throw error
      },
      () => void seen.push('reply'),
      { replyTo: makeOrigin(env.pool) },
    )
    await env.runUntilIdle()
    expect(seen).toEqual([])
    expect(errors.map((event) => [event.error, event.runner])).toEqual([[error, target]])
    await env[Symbol.asyncDispose]()
  })
})

describe('task and reply', () => {
  test('F7 G-125 a reply to the same runner goes to the tail', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const seen: unknown[] = []
    runner.postTaskAndReply(
      () => 42,
      (result) => void seen.push(`reply ${result}`),
      { replyTo: runner },
    )
    runner.postTask(() => void seen.push('queued before the task ended'))
    await env.runUntilIdle()
    expect(seen).toEqual(['queued before the task ended', 'reply 42'])
  })

  test('F7 RPL-02 the reply queues behind what its runner has, and obeys its priority', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 1 } })
    const worker = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
    const ui = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
    const seen: string[] = []
    const pause = ui.pause()
    for (const priority of ['best-effort', 'user-blocking'] as const) {
      worker.postTaskAndReply(
        () => {},
        (_result, context) => void seen.push(`reply ${context.priority} ${context.name}`),
        { replyTo: ui, replyOptions: { priority, name: 'show' } },
      )
    }
    ui.postTask(() => void seen.push('queued'))
    await env.runUntilIdle()
    pause[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['reply user-blocking show', 'queued', 'reply best-effort show'])
  })

  test('F7 the reply goes to the runner whose task asked, where replyTo is not given', async () => {
    await using env = createTestEnvironment()
    const ui = new SequencedTaskRunner(env.pool)
    const worker = new SequencedTaskRunner(env.pool)
    let repliedOn: TaskRunner | undefined
    ui.postTask(() => {
      worker.postTaskAndReply(
        () => 1,
        () => void (repliedOn = currentTaskRunner()),
      )
    })
    await env.runUntilIdle()
    expect(repliedOn).toBe(ui)
  })

  test('F7 RPL-06 outside of a task, without replyTo, it is refused at the call', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    expect(() =>
      runner.postTaskAndReply(
        () => 1,
        () => {},
      ),
    ).toThrow(TypeError)
    expect(() => runner.postTaskAndReply(() => 1, undefined as never, { replyTo: runner })).toThrow(TypeError)
    expect(runner.stats().pending).toBe(0)
  })

  test('F7 G-119 task and reply have options of their own', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    const handle = runner.postTaskAndReply(
      (context) => `${context.name} ${context.priority}`,
      (result, context) => void seen.push(result, `${context.name} ${context.priority}`),
      { replyTo: runner, name: 'load', priority: 'best-effort', replyOptions: { name: 'show', priority: 'user-blocking' } },
    )
    expect(handle.name).toBe('load')
    await env.runUntilIdle()
    expect(seen).toEqual(['load best-effort', 'show user-blocking'])
  })

  test('F7 RPL-05 a closed replyTo is reported as a rejection, not swallowed', async () => {
    const { env, rejections } = quietEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool, { name: 'ui' })
    const gate = deferred()
    worker.postTaskAndReply(
      () => gate.promise,
      () => {},
      { replyTo: ui, replyOptions: { name: 'show' } },
    )
    await env.runUntilIdle()
    ui.shutdown()
    gate.resolve()
    await env.runUntilIdle()
    expect(rejections.map(({ runner, name, reason }) => [runner.name, name, reason])).toEqual([['ui', 'show', 'runner-closed']])
    expect(ui.stats().rejected).toBe(1)
    await env[Symbol.asyncDispose]()
  })

  test('F7 RPL-03 a target that refuses: onError runs on replyTo', async () => {
    const { env } = quietEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool)
    worker.shutdown()
    const seen: unknown[] = []
    const handle = worker.postTaskAndReply(
      () => void seen.push('task'),
      () => void seen.push('reply'),
      { replyTo: ui, onError: (error) => void seen.push(error) },
    )
    expect(handle.state).toBe('rejected')
    await env.runUntilIdle()
    expect(seen).toEqual([expect.any(RunnerClosedError)])
    await env[Symbol.asyncDispose]()
  })

  test('F7 W7 RPL-03 a target that refuses, without onError: the rejection is reported, for the asker always learns', async () => {
    const { env, rejections, errors } = quietEnvironment()
    const worker = new SequencedTaskRunner(env.pool, { name: 'worker' })
    const ui = new SequencedTaskRunner(env.pool)
    worker.shutdown()
    worker.postTaskAndReply(
      () => {},
      () => {},
      { replyTo: ui, name: 'load' },
    )
    await env.runUntilIdle()
    expect(rejections.map(({ runner, name, reason }) => [runner.name, name, reason])).toEqual([
      ['worker', 'load', 'runner-closed'],
    ])
    expect(errors).toEqual([])
    await env[Symbol.asyncDispose]()
  })

  test('F7 RPL-04 a task dropped at shutdown: no reply, onError on replyTo', async () => {
    const { env } = quietEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool)
    const seen: unknown[] = []
    worker.postTaskAndReply(
      () => void seen.push('task'),
      () => void seen.push('reply'),
      { replyTo: ui, onError: (error) => void seen.push(error) },
    )
    worker.shutdown()
    await env.runUntilIdle()
    expect(seen).toEqual([expect.any(RunnerClosedError)])
    await env[Symbol.asyncDispose]()
  })

  test('C1 TRK-02 cancelled before its start: neither task nor reply, onError gets the reason', async () => {
    await using env = createTestEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool)
    const seen: unknown[] = []
    const handle = worker.postTaskAndReply(
      () => void seen.push('task'),
      () => void seen.push('reply'),
      { replyTo: ui, onError: (error) => void seen.push(error) },
    )
    handle.cancel('changed my mind')
    await env.runUntilIdle()
    expect(seen).toEqual(['changed my mind'])
  })

  test('C2 TRK-04 cancelled while the task runs: the task ends by itself, the reply is skipped', async () => {
    await using env = createTestEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    const seen: unknown[] = []
    const handle = worker.postTaskAndReply(
      async () => {
        await gate.promise
        seen.push('task ends')
      },
      () => void seen.push('reply'),
      { replyTo: ui, onError: (error) => void seen.push(error) },
    )
    await env.runUntilIdle()
    handle.cancel('changed my mind')
    await env.runUntilIdle()
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['changed my mind', 'task ends'])
  })

  test('F2 F7 a reply that throws goes to the error hook of its runner', async () => {
    const { env, errors } = quietEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool, { name: 'ui' })
    worker.postTaskAndReply(
      () => 1,
      () => {
        throw new Error('expected')
      },
      { replyTo: ui, onError: () => {} },
    )
    await env.runUntilIdle()
    expect(errors.map(({ runner, error }) => [runner.name, (error as Error).message])).toEqual([['ui', 'expected']])
    await env[Symbol.asyncDispose]()
  })

  test('F7 replies of many tasks keep the order of a sequence', async () => {
    await using env = createTestEnvironment()
    const worker = new SequencedTaskRunner(env.pool)
    const ui = new SequencedTaskRunner(env.pool)
    const seen: number[] = []
    for (let task = 0; task < 100; task++) {
      worker.postTaskAndReply(
        async () => task,
        (result) => void seen.push(result),
        { replyTo: ui },
      )
    }
    await env.runUntilIdle()
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })
})

test('F6 F7 options of the reply that are none are refused at the call, not when the task has ended', async () => {
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  const wrong = [
    { replyTo: runner, replyOptions: { priority: 'bogus' } },
    { replyTo: runner, replyOptions: { timeout: -1 } },
    { replyTo: runner, onError: 5 },
    { replyTo: {} },
  ]
  for (const options of wrong) {
    const post = (): unknown =>
      runner.postTaskAndReply(
        () => {},
        () => {},
        options as never,
      )
    expect(post).toThrow(/priority|timeout|onError|replyTo/)
  }
  expect(runner.stats()).toMatchObject({ pending: 0, rejected: 0 })
})

test('F2 F7 an error whose onError is refused goes to the error hook: it is not lost', async () => {
  const { env, errors, rejections } = quietEnvironment()
  await using _ = env
  const [work, home] = [new SequencedTaskRunner(env.pool), new SequencedTaskRunner(env.pool)]
  home.shutdown()
  const error = new Error('disk full')
  work.postTaskAndReply(
    () => {
      throw error
    },
    () => {},
    { replyTo: home, onError: () => {} },
  )
  await env.runUntilIdle()
  expect(rejections.map(({ reason }) => reason)).toEqual(['runner-closed'])
  expect(errors.map((event) => event.error)).toEqual([error])
})

test('W5 F7 a reply to the own runner is a post of a task of its own: a runner that closes takes it', async () => {
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  const seen: unknown[] = []
  for (const task of [() => 'sync', async () => 'async']) {
    runner.postTaskAndReply(task, (result) => void seen.push(result), { replyTo: runner })
  }
  const closed = runner.close()
  await env.runUntilIdle()
  await closed
  expect(seen).toEqual(['sync', 'async'])
})
