import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { SequencedTaskRunner, type TaskContext, ThreadPool } from '@posttask/core'
import {
  publishTasks,
  type RunnerMessage,
  type TaskDropMessage,
  type TaskMessage,
  type TaskPostMessage,
} from '@posttask/diagnostics'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, expect, test } from 'vitest'

const runs = tracingChannel<unknown, TaskMessage>('posttask.task')
const ending: (() => void)[] = []

afterEach(() => {
  for (const end of ending.splice(0)) end()
})

const listen = <Message>(name: string, heard: (message: Message) => void): void => {
  const listener = (message: unknown): void => heard(message as Message)
  subscribe(name, listener)
  ending.push(() => unsubscribe(name, listener))
}

/** Subscribes to the five channels of a run, and notes which published what. */
const listenToRuns = () => {
  const seen: { event: string; message: TaskMessage; outcome: string | undefined }[] = []
  const note =
    (event: string) =>
    (message: TaskMessage): void =>
      void seen.push({ event, message, outcome: message.outcome })
  const listeners = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  }
  runs.subscribe(listeners)
  ending.push(() => runs.unsubscribe(listeners))
  return seen
}

const poolWith = (env: ReturnType<typeof createTestEnvironment>) => {
  const pool = new ThreadPool({
    executor: env.createExecutor(),
    name: 'main',
    onTaskError: () => {},
    onTaskRejected: () => {},
  })
  return { pool, publishing: publishTasks(pool) }
}

test('a run publishes start, end, asyncStart and asyncEnd, with one message object', async () => {
  await using env = createTestEnvironment()
  const { pool } = poolWith(env)
  const seen = listenToRuns()
  const runner = new SequencedTaskRunner(pool, { name: 'r' })
  const handle = runner.postTask((context) => context.sleep(20), { name: 'work', priority: 'user-blocking' })
  runner.postTask(() => {}, { name: 'sync' })
  await env.advanceBy(20)
  expect(seen.map(({ event, message, outcome }) => `${message.name} ${event} ${outcome ?? ''}`.trim())).toEqual([
    'work start',
    'work end',
    'work asyncStart succeeded',
    'work asyncEnd succeeded',
    'sync start',
    'sync end',
    'sync asyncStart succeeded',
    'sync asyncEnd succeeded',
  ])
  const [first] = seen
  expect(new Set(seen.slice(0, 4).map(({ message }) => message)).size).toBe(1)
  expect(first?.message.task).toBe(handle)
  expect(first?.message.runner).toBe(runner)
  expect(first?.message).toMatchObject({ pool: 'main', priority: 'user-blocking', waitMs: 0, runMs: 20, thread: undefined })
  await pool.close()
})

test('F2 a failure is published before asyncStart, with the error', async () => {
  await using env = createTestEnvironment()
  const { pool } = poolWith(env)
  const seen = listenToRuns()
  const error = new Error('expected')
  const runner = new SequencedTaskRunner(pool)
  runner.postTask(() => Promise.reject(error))
  await env.runUntilIdle()
  expect(seen.map(({ event }) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(seen[0]?.message.error).toBe(error)
  await pool.close()
})

test('E4 a store bound to start is seen by the task, after an await too, and by no other', async () => {
  await using env = createTestEnvironment()
  const { pool } = poolWith(env)
  const store = new AsyncLocalStorage<string>()
  runs.start.bindStore(store, (message) => `span of ${message.name}`)
  ending.push(() => runs.start.unbindStore(store))
  const runner = new SequencedTaskRunner(pool)
  const seen: (string | undefined)[] = []
  const look = async (context: TaskContext): Promise<void> => {
    seen.push(store.getStore())
    await context.sleep(1)
    seen.push(store.getStore())
  }
  runner.postTask(look, { name: 'a' })
  runner.postTask(look, { name: 'b' })
  await env.advanceBy(2)
  expect(seen).toEqual(['span of a', 'span of a', 'span of b', 'span of b'])
  expect(store.getStore()).toBe(undefined)
  await pool.close()
})

test('posts, drops and runners have channels of their own', async () => {
  await using env = createTestEnvironment()
  const seen: string[] = []
  listen<TaskPostMessage>('posttask.task:post', ({ name, poster, isReply }) => {
    seen.push(`post ${name} by ${poster?.name ?? 'nobody'}${isReply ? ', a reply' : ''}`)
  })
  listen<TaskDropMessage>('posttask.task:drop', ({ name, reason }) => void seen.push(`drop ${name}: ${reason}`))
  listen<RunnerMessage>('posttask.runner:create', ({ runner, pool }) => void seen.push(`create ${runner.name} in ${pool}`))
  listen<RunnerMessage>('posttask.runner:close', ({ runner }) => void seen.push(`close ${runner.name}`))
  const { pool } = poolWith(env)
  const runner = new SequencedTaskRunner(pool, { name: 'r', queueLimit: 1 })
  runner.postTask(() => {}, { name: 'a' }).cancel()
  runner.postTaskAndReply(
    () => {},
    () => {},
    { name: 'b', replyTo: runner, replyOptions: { name: 'c' } },
  )
  const d = runner.postTask(() => {}, { name: 'd' })
  runner.postTask(() => {}, { name: 'e' })
  d.cancel()
  await env.runUntilIdle()
  await runner.close()
  expect(seen).toEqual([
    'create r in main',
    'post a by nobody',
    'drop a: cancelled',
    'post b by nobody',
    'post d by nobody',
    'drop e: queue-full',
    'drop d: cancelled',
    'post c by b, a reply',
    'close r',
  ])
  await pool.close()
})

test('runners that are there already are told of, and after disposal nothing is published', async () => {
  await using env = createTestEnvironment()
  const seen: string[] = []
  listen<RunnerMessage>('posttask.runner:create', ({ runner }) => void seen.push(runner.name))
  const pool = new ThreadPool({ executor: env.createExecutor() })
  const runner = new SequencedTaskRunner(pool, { name: 'early' })
  const publishing = publishTasks(pool)
  const published = listenToRuns()
  publishing[Symbol.dispose]()
  runner.postTask(() => {})
  await env.runUntilIdle()
  expect([seen, published]).toEqual([['early'], []])
  await pool.close()
})

test('while nobody listens tasks are not observed, and with the first listener, of whatever kind, they are', async () => {
  await using env = createTestEnvironment()
  const { pool, publishing } = poolWith(env)
  // Waits are measured only while somebody watches.
  const isObserved = async (): Promise<boolean> => {
    const runner = new SequencedTaskRunner(pool)
    runner.postTask(() => {})
    await env.runUntilIdle()
    return runner.stats().waitMs !== undefined
  }
  const seen = [await isObserved()]
  const listener = (): void => {}
  const store = new AsyncLocalStorage<unknown>()
  for (const [begin, end] of [
    [() => subscribe('posttask.task:post', listener), () => unsubscribe('posttask.task:post', listener)],
    [() => channel('posttask.task:drop').subscribe(listener), () => channel('posttask.task:drop').unsubscribe(listener)],
    [
      () => channel('tracing:posttask.task:end').subscribe(listener),
      () => channel('tracing:posttask.task:end').unsubscribe(listener),
    ],
    [() => runs.start.bindStore(store), () => runs.start.unbindStore(store)],
  ] as const) {
    begin()
    seen.push(await isObserved())
    end()
    seen.push(await isObserved())
  }
  publishing[Symbol.dispose]()
  runs.start.bindStore(store)
  seen.push(await isObserved())
  runs.start.unbindStore(store)
  expect(seen).toEqual([false, true, false, true, false, true, false, true, false, false])
  await pool.close()
})

test('who subscribes in the middle of a run gets no half of it', async () => {
  await using env = createTestEnvironment()
  const { pool } = poolWith(env)
  const runner = new SequencedTaskRunner(pool)
  runner.postTask((context) => context.sleep(10))
  await env.advanceBy(5)
  const seen = listenToRuns()
  await env.advanceBy(5)
  expect([seen, channel('tracing:posttask.task:start').hasSubscribers]).toEqual([[], true])
  await pool.close()
})
