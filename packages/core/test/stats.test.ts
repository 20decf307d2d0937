import { KeyedTaskRunner, ParallelTaskRunner, SequencedTaskRunner, SingleThreadTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const timed = () => createTestEnvironment({ pool: { timing: true, onTaskRejected: () => {}, onTaskError: () => {} } })

const sleepLong = (context: { sleep(ms: number): Promise<void> }): Promise<void> => context.sleep(1000)

describe('the ages in stats()', () => {
  test.each([
    ['sequenced', (pool: ThreadPool) => new SequencedTaskRunner(pool)],
    ['parallel', (pool: ThreadPool) => new ParallelTaskRunner(pool, { maxConcurrency: 1 })],
    ['single-thread', (pool: ThreadPool) => new SingleThreadTaskRunner(pool)],
    ['keyed', (pool: ThreadPool) => new KeyedTaskRunner(pool, { maxConcurrency: 1 })],
  ] as const)('W1 with timing a %s runner knows how long its oldest task has waited and run', async (_kind, makeRunner) => {
    await using env = timed()
    const runner = makeRunner(env.pool)
    expect(runner.stats()).toMatchObject({ oldestWaitingMs: undefined, oldestRunningMs: undefined })
    runner.postTask(sleepLong)
    await env.advanceBy(10)
    runner.postTask(sleepLong, { priority: 'best-effort' })
    await env.advanceBy(20)
    runner.postTask(sleepLong, { priority: 'user-blocking' })
    await env.advanceBy(5)
    expect(runner.stats()).toMatchObject({ pending: 2, running: 1, oldestWaitingMs: 25, oldestRunningMs: 35 })
    expect(env.pool.stats()).toMatchObject({ oldestWaitingMs: 25, oldestRunningMs: 35 })
    await env.fastForwardUntilNoTasksRemain()
    expect(runner.stats()).toMatchObject({ completed: 3, oldestWaitingMs: undefined, oldestRunningMs: undefined })
  })

  test('P1 of several that run the oldest counts, whichever ended first, and a pool has the oldest of its runners', async () => {
    await using env = timed()
    const wide = new ParallelTaskRunner(env.pool, { maxConcurrency: 3 })
    const other = new SequencedTaskRunner(env.pool)
    wide.postTask((context) => context.sleep(5))
    wide.postTask(sleepLong)
    await env.advanceBy(7)
    wide.postTask(sleepLong)
    other.postTask(sleepLong)
    await env.advanceBy(3)
    expect(wide.stats().oldestRunningMs).toBe(10)
    expect(other.stats().oldestRunningMs).toBe(3)
    expect(env.pool.stats().oldestRunningMs).toBe(10)
    await env.fastForwardUntilNoTasksRemain()
  })

  test('C2 a cancelled task that has not stopped still runs, and a delayed one does not wait yet', async () => {
    await using env = timed()
    const runner = new SequencedTaskRunner(env.pool)
    const end = deferred()
    const handle = runner.postTask(() => end.promise)
    runner.postDelayedTask(() => {}, 20)
    await env.advanceBy(10)
    handle.cancel()
    expect(runner.stats()).toMatchObject({ oldestRunningMs: 10, oldestWaitingMs: undefined })
    await env.advanceBy(15)
    expect(runner.stats()).toMatchObject({ oldestRunningMs: 25, oldestWaitingMs: 5 })
    end.resolve()
    await env.fastForwardUntilNoTasksRemain()
  })

  test('W1 a task that asks in its synchronous part is the one that runs', async () => {
    await using env = timed()
    const runner = new SequencedTaskRunner(env.pool)
    expect(await env.run(() => runner.run(() => runner.stats().oldestRunningMs))).toBe(0)
  })

  test('W1 where nothing is measured they are undefined, whatever waits', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    runner.postTask(sleepLong)
    runner.postTask(sleepLong)
    await env.advanceBy(10)
    expect(runner.stats()).toMatchObject({ running: 1, pending: 1, oldestWaitingMs: undefined, oldestRunningMs: undefined })
    await env.fastForwardUntilNoTasksRemain()
  })

  test('W1 history measures its own runner', async () => {
    await using env = createTestEnvironment()
    const [kept, other] = [new SequencedTaskRunner(env.pool, { history: 1 }), new SequencedTaskRunner(env.pool)]
    for (const runner of [kept, other]) runner.postTask(sleepLong)
    await env.advanceBy(10)
    expect([kept.stats().oldestRunningMs, other.stats().oldestRunningMs]).toEqual([10, undefined])
    await env.fastForwardUntilNoTasksRemain()
  })
})

describe('what a log line needs of stats()', () => {
  test('W6 it survives JSON: slots without a limit are null', async () => {
    await using env = createTestEnvironment({ pool: { timing: true } })
    const runner = new SequencedTaskRunner(env.pool)
    await env.run(() => runner.run(() => {}))
    const stats = env.pool.stats()
    expect(stats.slots).toBeNull()
    const { oldestWaitingMs, oldestRunningMs, runners, ...known } = stats
    expect([oldestWaitingMs, oldestRunningMs, runners.length]).toEqual([undefined, undefined, 1])
    expect(JSON.parse(JSON.stringify(known))).toEqual(known)
    expect(env.pool.describe()).toContain('0 of Infinity slots')
  })

  test('W6 slots of an executor that has some are their number', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor({ maxConcurrency: 3 }) })
    expect(pool.stats().slots).toBe(3)
    await pool.close()
  })

  test('W6 a pool has the outcomes of all its tasks, after it has closed too', async () => {
    await using env = timed()
    const first = new SequencedTaskRunner(env.pool)
    const second = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    for (let n = 0; n < 3; n++) first.postTask(() => {})
    second.postTask(() => {
      throw new Error('expected')
    })
    second.postTask(() => {}).cancel()
    await env.runUntilIdle()
    const totals = { completed: 3, failed: 1, cancelled: 1, rejected: 0 }
    expect(env.pool.stats()).toMatchObject(totals)
    await first.close()
    expect(env.pool.stats()).toMatchObject(totals)
    second.postTask(() => {})
    second.postDelayedTask(() => {}, 10)
    await env.run(() => env.pool.close())
    expect(env.pool.stats()).toMatchObject({ ...totals, completed: 4, rejected: 1, closed: true, runners: [] })
  })

  test('W7 a post that a closed runner refuses counts, however late', async () => {
    await using env = timed()
    const runner = new SequencedTaskRunner(env.pool)
    await env.run(() => env.pool.close())
    runner.postTask(() => {})
    runner.run(() => {}).catch(() => {})
    expect(runner.stats().rejected).toBe(2)
    expect(env.pool.stats().rejected).toBe(2)
  })

  test('W8 a task that no close waits for counts when it has ended', async () => {
    await using env = timed()
    const runner = new SequencedTaskRunner(env.pool)
    runner.postTask((context) => context.sleep(10), { shutdown: 'continue-on-shutdown' })
    await env.advanceBy(1)
    await env.run(() => runner.close())
    expect(env.pool.stats()).toMatchObject({ completed: 0 })
    await env.advanceBy(10)
    expect(env.pool.stats()).toMatchObject({ completed: 1, runners: [] })
  })
})

describe('paused runners', () => {
  test('W1 stats() says whether a pause holds a runner', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    expect(runner.stats().paused).toBe(false)
    const [one, two] = [runner.pause(), runner.pause()]
    one[Symbol.dispose]()
    expect(runner.stats().paused).toBe(true)
    two[Symbol.dispose]()
    expect(runner.stats().paused).toBe(false)
    runner.pause()
    await env.run(() => runner.close())
    expect(runner.stats().paused).toBe(false)
  })

  test.each([
    ['sequenced', (pool: ThreadPool) => new SequencedTaskRunner(pool, { paused: true })],
    ['parallel', (pool: ThreadPool) => new ParallelTaskRunner(pool, { maxConcurrency: 2, paused: true })],
    ['keyed', (pool: ThreadPool) => new KeyedTaskRunner(pool, { paused: true })],
    ['single-thread', (pool: ThreadPool) => new SingleThreadTaskRunner(pool, { paused: true, init: () => {} })],
  ] as const)('W1 a %s runner that is made paused starts nothing before resume()', async (_kind, makeRunner) => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    expect(runner.stats().paused).toBe(true)
    const seen: number[] = []
    runner.postTask(() => void seen.push(1))
    await env.runUntilIdle()
    expect([seen, runner.stats().completed]).toEqual([[], 0])
    runner.resume()
    await env.runUntilIdle()
    expect(seen).toEqual([1])
  })

  test('W1 resume() ends the pause of birth only, once, and harms a runner that never had one as little', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { paused: true })
    const pause = runner.pause()
    runner.resume()
    runner.resume()
    expect(runner.stats().paused).toBe(true)
    pause[Symbol.dispose]()
    expect(runner.stats().paused).toBe(false)
    const other = new SequencedTaskRunner(env.pool)
    using _held = other.pause()
    other.resume()
    expect(other.stats().paused).toBe(true)
  })

  test('W5 closing releases the pause of birth', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { paused: true })
    const seen: number[] = []
    runner.postTask(() => void seen.push(1))
    await env.run(() => runner.close())
    runner.resume()
    expect(seen).toEqual([1])
  })
})
