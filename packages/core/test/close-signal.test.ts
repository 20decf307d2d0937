import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import {
  ParallelTaskRunner,
  PoolClosedError,
  SequencedTaskRunner,
  type TaskContext,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

interface Tasks {
  spinUntilThrown(started: Int32Array): never
  markAndSpin(started: Int32Array): never
}
const tasks = taskModule<Tasks>(new URL('./worker/fixtures/tasks.js', import.meta.url))

const watching = async (task: TaskContext): Promise<string> => {
  await task.sleep(1_000_000).catch(() => {})
  return 'stopped'
}

describe('close({ signalAfterMs })', () => {
  test('W6 C2 what still runs by then gets its signal, and the close waits for it', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    const seen: unknown[] = []
    const asked = runner
      .run(
        async (task) => {
          await watching(task)
          seen.push(task.signal.reason)
        },
        { name: 'poll' },
      )
      .catch((error: unknown) => error)
    await env.advanceBy(1)
    const closed = env.pool.close({ signalAfterMs: 50 })
    await env.advanceBy(49)
    expect(seen).toEqual([])
    await env.advanceBy(1)
    expect(await closed).toMatchObject({ dropped: 0, terminated: 0 })
    const reason = await asked
    expect(reason).toBeInstanceOf(PoolClosedError)
    expect((reason as Error).message).toMatch(/"poll" on runner "r".*50 ms.*context\.signal/)
    expect(seen).toEqual([reason])
  })

  test('W6 with timeoutMs: the signal first, then the end by force of what does not heed it', async () => {
    const env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const seen: string[] = []
    runner.run(watching).catch(() => seen.push('heeds'))
    runner
      .run((task) => {
        task.signal.addEventListener('abort', () => seen.push('deaf heard'))
        return new Promise(() => {})
      })
      .catch(() => seen.push('deaf'))
    await env.advanceBy(1)
    const closed = env.pool.close({ signalAfterMs: 10, timeoutMs: 100 }).then((report) => seen.push('closed') && report)
    await env.advanceBy(10)
    expect(seen).toEqual(['deaf heard', 'heeds', 'deaf'])
    await env.advanceBy(90)
    expect(seen.at(-1)).toBe('closed')
    await closed
  })

  test('W6 what has ended by then is left alone, and the timer goes with the close', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const asked = runner.run((task) => task.sleep(5))
    expect(await env.run(() => env.pool.close({ signalAfterMs: 10 }))).toMatchObject({ completed: 1 })
    await asked
    expect(env.clock.now()).toBe(5)
  })

  test('W5 what is queued then, or posted to clean up, still runs, unsignalled', async () => {
    const env = createTestEnvironment()
    const [store, jobs] = [new SequencedTaskRunner(env.pool), new SequencedTaskRunner(env.pool)]
    const seen: unknown[] = []
    jobs.postTask(async (task) => {
      await watching(task)
      await store.run(({ signal }) => seen.push(['saved', signal.aborted]))
    })
    jobs.postTask(({ signal }) => seen.push(['queued', signal.aborted]))
    await env.advanceBy(1)
    const closed = env.pool.close({ signalAfterMs: 10 })
    await env.advanceBy(10)
    await closed
    expect(seen).toEqual([
      ['saved', false],
      ['queued', false],
    ])
  })

  test('W6 a second call may bring the signal forward', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const asked = runner.run(watching).catch((error: unknown) => error)
    await env.advanceBy(1)
    const closed = env.pool.close({ signalAfterMs: 1_000 })
    void env.pool.close({ signalAfterMs: 5 })
    await env.advanceBy(5)
    await closed
    expect(await asked).toBeInstanceOf(PoolClosedError)
  })

  test('D2 a time that is none is a RangeError at the call, and the pool stays open', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    for (const signalAfterMs of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => pool.close({ signalAfterMs })).toThrow(RangeError)
    expect(pool.isClosed).toBe(false)
  })

  test('C3 the signal reaches a task on a thread, which is ended where it does not heed it', async () => {
    const pool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 2, abortGraceMs: 0 }) })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    const cells = [1, 2].map(() => new Int32Array(new SharedArrayBuffer(4)))
    const [heeding, deaf] = cells as [Int32Array, Int32Array]
    const asked = [tasks.spinUntilThrown(heeding), tasks.markAndSpin(deaf)]
    const ends = asked.map((task) => runner.run(task).catch((error: unknown) => error))
    while (cells.some((cell) => Atomics.load(cell, 0) === 0)) await new Promise(setImmediate)
    const closed = pool.close({ signalAfterMs: 0 })
    for (const end of ends) expect(await end).toBeInstanceOf(PoolClosedError)
    await closed
  })
})
