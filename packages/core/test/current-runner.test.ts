import { inlineExecutor } from '@posttask/backend-inline'
import {
  bindPostTask,
  currentTaskRunner,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  sequenceLocal,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 2 }),
}

describe.each(Object.entries(runners))('the current runner: %s', (_kind, makeRunner) => {
  test('W3 G-02 CTX-01 known in the synchronous part of a task, of a reply and of a barrier; not outside', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const other = makeRunner(pool)
    expect([currentTaskRunner(), runner.isCurrent()]).toEqual([undefined, false])
    await runner.run((context) => {
      expect(currentTaskRunner()).toBe(runner)
      expect(context.runner).toBe(runner)
      expect([runner.isCurrent(), other.isCurrent()]).toEqual([true, false])
    })
    await runner.flush(() => {
      expect(currentTaskRunner()).toBe(runner)
    })
    expect(currentTaskRunner()).toBeUndefined()
  })

  test('W3 CTX-01 with trackRunner after each await as well, and the code that awaits run is not in the task', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const other = makeRunner(pool)
    await runner.run(async (context) => {
      for (let time = 0; time < 3; time++) {
        await undefined
        expect(currentTaskRunner()).toBe(runner)
      }
      await context.yield()
      expect(currentTaskRunner()).toBe(runner)
      await other.run(async () => {
        await undefined
        expect(currentTaskRunner()).toBe(other)
      })
      expect(currentTaskRunner()).toBe(runner)
    })
    expect(currentTaskRunner()).toBeUndefined()
  })

  test('W3 with trackRunner a task that is posted from inside a task has its own runner', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    const runner = makeRunner(pool)
    const other = makeRunner(pool)
    const seen: (TaskRunner | undefined)[] = []
    await runner.run(() => {
      other.postTask(async () => {
        seen.push(currentTaskRunner())
        await undefined
        seen.push(currentTaskRunner())
      })
    })
    await other.waitIdle()
    expect(seen).toEqual([other, other])
  })

  test('W3 a task of a pool that does not track is not taken for the tracked one that posted it', async () => {
    await using tracking = new ThreadPool({ executor: inlineExecutor(), trackRunner: true })
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(tracking)
    const other = makeRunner(pool)
    const seen: (TaskRunner | undefined)[] = []
    await runner.run(() => {
      other.postTask(async () => {
        seen.push(currentTaskRunner())
        await undefined
        seen.push(currentTaskRunner())
        await runner.waitIdle()
      })
    })
    await other.waitIdle()
    expect(seen).toEqual([other, undefined])
  })

  test('S2 assertCurrent passes inside, and names both runners outside', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const other = new SequencedTaskRunner(pool, { name: 'other' })
    await runner.run(() => runner.assertCurrent())
    expect(() => runner.assertCurrent()).toThrow(/"r".*outside of any task/)
    await expect(other.run(() => runner.assertCurrent())).rejects.toThrow(/"r".*"other"/)
  })

  test('W3 a task that throws leaves no current runner behind', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), onTaskError: () => {} })
    const runner = makeRunner(pool)
    runner.postTask(() => {
      throw new Error('expected')
    })
    await runner.waitIdle()
    expect(currentTaskRunner()).toBeUndefined()
  })

  test('CTX-05 sequenceLocal: a value for each runner, made once, on first use', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const other = makeRunner(pool)
    const made: TaskRunner[] = []
    const counter = sequenceLocal((owner) => {
      made.push(owner)
      return { count: 0 }
    })
    for (let task = 0; task < 3; task++) runner.postTask(() => void counter.get().count++)
    other.postTask(() => void counter.get().count++)
    await Promise.all([runner.waitIdle(), other.waitIdle()])
    expect([counter.get(runner).count, counter.get(other).count, made.length]).toEqual([3, 1, 2])
    counter.set({ count: 9 }, runner)
    expect(await runner.run(() => counter.get().count)).toBe(9)
    await other.run(() => counter.set({ count: 7 }))
    expect(counter.get(other).count).toBe(7)
    expect(() => counter.get()).toThrow(/no current runner/)
  })

  test('BND-01 BND-02 S1 bindPostTask: each call is one task, in order, with its arguments', async () => {
    await using env = createTestEnvironment()
    const runner = makeRunner(env.pool)
    const seen: string[] = []
    const note = (word: string, number: number): void => void seen.push(`${word} ${number} ${runner.isCurrent()}`)
    const bound = bindPostTask(runner, note, { priority: 'user-blocking' })
    const handles = [bound('a', 1), bound('b', 2)]
    expect(seen).toEqual([])
    expect(handles.map(({ name, state }) => [name, state])).toEqual([
      ['note', 'queued'],
      ['note', 'queued'],
    ])
    await env.runUntilIdle()
    expect(seen).toEqual(['a 1 true', 'b 2 true'])
  })

  test('W7 BND-04 bindPostTask on a closed runner: refused and reported, no throw', async () => {
    const rejected: string[] = []
    await using env = createTestEnvironment({ pool: { onTaskRejected: ({ name }) => void rejected.push(name) } })
    const runner = makeRunner(env.pool)
    const bound = bindPostTask(runner, () => {}, { name: 'callback' })
    runner.shutdown()
    expect(bound().state).toBe('rejected')
    expect(rejected).toEqual(['callback'])
  })
})
