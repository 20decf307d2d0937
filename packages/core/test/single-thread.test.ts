import { inlineExecutor } from '@posttask/backend-inline'
import {
  type SingleThreadRunnerOptions,
  SingleThreadTaskRunner,
  type Task,
  type TaskRejectedEvent,
  ThreadPool,
  WorkerCrashedError,
} from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'

/** One thread that a test can lose. */
interface FakeThread {
  lose(): WorkerCrashedError
  readonly closed: string[]
}

/** An executor whose thread runs closures here, and dies when told to. */
const withLosableThread = (
  options: SingleThreadRunnerOptions,
): { runner: SingleThreadTaskRunner; pool: ThreadPool; thread: FakeThread; rejections: TaskRejectedEvent[] } => {
  const inline = inlineExecutor()
  let onLost: (error: Error) => void = () => {}
  let fail: ((error: Error) => void) | undefined
  const closed: string[] = []
  const executor = executorWith({
    maxConcurrency: 1,
    openThread: (threadOptions) => {
      onLost = (error) => threadOptions.onLost(error)
      return {
        execute: (task: Task, execution) =>
          new Promise((resolve, reject) => {
            fail = reject
            Promise.resolve(inline.execute(task, execution)).then(resolve, reject)
          }),
        close: async () => void closed.push('close'),
        terminate: async () => void closed.push('terminate'),
      }
    },
  })
  const rejections: TaskRejectedEvent[] = []
  const pool = new ThreadPool({ executor, onTaskRejected: (event) => void rejections.push(event), onTaskError: () => {} })
  const runner = new SingleThreadTaskRunner(pool, { name: 'db', ...options })
  const lose = (): WorkerCrashedError => {
    const error = new WorkerCrashedError('the thread exited', 1)
    onLost(error)
    fail?.(error)
    return error
  }
  return { runner, pool, thread: { lose, closed }, rejections }
}

describe('a thread that is lost', () => {
  test('S4 F5 by default the runner closes and rejects what is queued with WorkerCrashedError', async () => {
    const { runner, pool, thread, rejections } = withLosableThread({})
    const started = deferred()
    const never = deferred()
    const running = runner.run(() => {
      started.resolve()
      return never.promise
    })
    const queued = runner.run(() => 'queued')
    runner.postTask(() => {}, { name: 'posted', shutdown: 'block-shutdown' })
    const delayed = runner.run(() => {}, { delay: 60_000 })
    const repeating = runner.postRepeatingTask(() => {}, 60_000)
    await started.promise
    const outcomes = Promise.allSettled([running, queued, delayed])
    const error = thread.lose()
    expect((await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual([error, error, error])
    await runner.closed
    expect([runner.isClosed, repeating.state]).toEqual([true, 'closed'])
    expect(rejections.map(({ name, reason, error: why }) => [name, reason, why])).toEqual([['posted', 'runner-closed', error]])
    await pool.close()
    expect(thread.closed).toEqual(['close'])
  })

  test("S4 with 'restart' init runs first on the new thread, then the queue goes on", async () => {
    const seen: string[] = []
    const { runner, pool, thread } = withLosableThread({ init: () => void seen.push('init'), onThreadLost: 'restart' })
    const started = deferred()
    const never = deferred()
    const running = runner.run(() => {
      started.resolve()
      return never.promise
    })
    const queued = runner.run(() => void seen.push('queued'))
    running.catch(() => {})
    await started.promise
    expect(seen).toEqual(['init'])
    const error = thread.lose()
    await expect(running).rejects.toBe(error)
    await queued
    expect(seen).toEqual(['init', 'init', 'queued'])
    await pool.close()
  })

  test('S4 F5 lost while nothing runs: the runner closes, delayed and repeating tasks end', async () => {
    const { runner, pool, thread } = withLosableThread({})
    const delayed = runner.run(() => {}, { delay: 60_000 })
    const repeating = runner.postRepeatingTask(() => {}, 60_000)
    const error = thread.lose()
    await expect(delayed).rejects.toBe(error)
    expect([runner.isClosed, repeating.state]).toEqual([true, 'closed'])
    await runner.closed
    await pool.close()
  })

  test('S4 an onThreadLost that is none is refused at the call', () => {
    expect(() => withLosableThread({ onThreadLost: 'ignore' as never })).toThrow(TypeError)
  })
})

describe('init', () => {
  test('S4 runs once, ahead of everything posted', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const seen: string[] = []
    const runner = new SingleThreadTaskRunner(pool, { init: async () => void seen.push('init') })
    runner.postTask(() => void seen.push('1'), { priority: 'user-blocking' })
    await runner.run(() => void seen.push('2'))
    expect(seen).toEqual(['init', '1', '2'])
  })

  test('S4 one that fails closes the runner: without its state nothing queued may run', async () => {
    const errors: unknown[] = []
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      onTaskError: ({ error }) => void errors.push(error),
      onTaskRejected: () => {},
    })
    const cause = new Error('no database')
    const runner = new SingleThreadTaskRunner(pool, {
      name: 'db',
      init: () => {
        throw cause
      },
    })
    let ran = false
    const queued = runner.run(() => void (ran = true))
    await expect(queued).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED', cause })
    await runner.closed
    expect([ran, errors]).toEqual([false, [cause]])
  })
})

test.each([
  ['a number', 5, /init: runner "db" was given number as a task; post a function/],
  ['null', null, /init: runner "db" was given null as a task/],
  ['an object', {}, /init: runner "db" was given object as a task/],
  ['a closure, on threads', () => {}, /init: runner "db" cannot run a closure: executor "fake" runs tasks on threads/],
])('F6 %s as init is refused at the call, and no runner and no thread is left', async (_what, init, message) => {
  const opened = vi.fn()
  const closed = vi.fn()
  const openThread = vi.fn()
  const executor = executorWith({ accepts: init instanceof Function ? ['bound'] : ['closure', 'bound'], openThread })
  await using pool = new ThreadPool({ executor, observer: { onRunnerOpened: opened, onRunnerClosed: closed } })
  expect(() => new SingleThreadTaskRunner(pool, { name: 'db', init: init as never })).toThrow(message)
  expect(pool.runners).toEqual([])
  expect([opened, closed, openThread].map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0])
})
