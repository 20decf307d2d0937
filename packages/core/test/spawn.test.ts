import { inlineExecutor } from '@posttask/backend-inline'
import { KeyedTaskRunner, ParallelTaskRunner, SequencedTaskRunner, SingleThreadTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const runners = {
  sequenced: (pool: ThreadPool) => new SequencedTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool) => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 2 }),
  'single-thread': (pool: ThreadPool) => new SingleThreadTaskRunner(pool, { name: 'r' }),
  'key of a keyed': (pool: ThreadPool) => new KeyedTaskRunner(pool, { name: 'r' }).forKey('k'),
}

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', onUnhandled)
})
afterEach(() => void process.off('unhandledRejection', onUnhandled))

describe.each(Object.entries(runners))('spawn on a %s runner', (_kind, makeRunner) => {
  test('F1 gives a handle at once and the result later', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const gate = deferred()
    const handle = makeRunner(pool).spawn(
      async (task) => {
        await gate.promise
        return task.id
      },
      { name: 'asked' },
    )
    expect([handle.name, handle.state, typeof handle.id]).toEqual(['asked', 'queued', 'number'])
    gate.resolve()
    expect(await handle.result).toBe(handle.id)
    expect(handle.state).toBe('succeeded')
  })

  test('F1 what the task throws is what the result rejects with', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const expected = new Error('expected')
    const handle = makeRunner(pool).spawn(() => Promise.reject(expected))
    await expect(handle.result).rejects.toBe(expected)
    expect(handle.state).toBe('failed')
  })

  test('C1 C2 cancel() through the handle ends the wait and is no unhandled rejection', async () => {
    const env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const reason = new Error('mine')
    const seen: unknown[] = []
    const running = runner.spawn(async (task) => {
      task.signal.addEventListener('abort', () => seen.push(task.signal.reason))
      await task.sleep(1000)
    })
    const waiting = runner.spawn(() => seen.push('never'), { delay: 5 })
    await env.advanceBy(1)
    expect([running.cancel(reason), waiting.cancel()]).toEqual([true, true])
    expect([running.state, waiting.state]).toEqual(['cancelled', 'cancelled'])
    await env.runUntilIdle()
    await new Promise(setImmediate)
    expect([seen, unhandled]).toEqual([[reason], []])
    await expect(running.result).rejects.toBe(reason)
    await expect(waiting.result).rejects.toMatchObject({ code: 'ERR_TASK_CANCELLED' })
    expect([running.cancel(), waiting.cancel()]).toEqual([false, false])
    await env[Symbol.asyncDispose]()
  })

  test('C1 using cancels what is left', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    const tell = async (): Promise<void> => {
      using _left = runner.spawn(() => seen.push('never'), { delay: 50 })
      using kept = runner.spawn(() => 'told')
      seen.push(await kept.result)
    }
    const left = tell()
    await env.runUntilIdle()
    await left
    await new Promise(setImmediate)
    expect([seen, unhandled]).toEqual([['told'], []])
  })

  test('W7 after the close the result rejects, and the handle says rejected', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    await pool.close()
    const handle = runner.spawn(() => 1)
    expect(handle.state).toBe('rejected')
    await expect(handle.result).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })

  test('D2 F6 bad arguments are refused at the call', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    expect(() => runner.spawn(() => 1, { delay: -1 })).toThrow(RangeError)
    expect(() => runner.spawn(null as never)).toThrow(TypeError)
  })
})

test('F2 a failure of which nobody reads the result is an unhandled rejection, as of run', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const expected = new Error('expected')
  const runner = new SequencedTaskRunner(pool)
  runner.spawn(() => Promise.reject(expected))
  await runner.waitIdle()
  await new Promise(setImmediate)
  expect(unhandled).toEqual([expected])
})

test.each([
  ['a sequence', (pool: ThreadPool) => new SequencedTaskRunner(pool, { name: 'r' })],
  ['the same key', (pool: ThreadPool) => new KeyedTaskRunner(pool, { name: 'r' }).forKey(1)],
] as const)(
  'W3 a task of %s that spawns another behind itself gets a deadlock, and a handle that says rejected',
  async (_what, makeRunner) => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const { state, name, cancelled, result } = await runner.run(() => {
      const inner = runner.spawn(() => 1, { name: 'inner' })
      return {
        state: inner.state,
        name: inner.name,
        cancelled: inner.cancel(),
        result: inner.result.catch((error: unknown) => error),
      }
    })
    expect([state, name, cancelled]).toEqual(['rejected', 'inner', false])
    expect(await result).toMatchObject({ code: 'ERR_SEQUENCE_DEADLOCK', message: expect.stringContaining('spawn()') })
  },
)

test('E5 traceOrigin: it was posted by its caller', async () => {
  const sites: unknown[] = []
  await using pool = new ThreadPool({
    executor: inlineExecutor(),
    traceOrigin: true,
    observer: { onPosted: ({ origin }) => void sites.push(origin?.split('\n')[0]?.trim()) },
  })
  const runner = new SequencedTaskRunner(pool)
  const key = new KeyedTaskRunner(pool).forKey(1)
  const calledByThis = (): Promise<unknown>[] => [runner.spawn(() => {}).result, key.spawn(() => {}).result]
  await Promise.all(calledByThis())
  expect(sites).toEqual([expect.stringMatching(/^at calledByThis /), expect.stringMatching(/^at calledByThis /)])
})
