import { KeyedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'
import { threadBackends } from '../fixtures/backends.ts'
import { cells, changed, entriesOf, openGate, outcomeOf } from '../fixtures/shared-log.ts'

const tasks = taskModule<typeof import('../fixtures/thread-tasks.ts')>(new URL('../fixtures/thread-tasks.ts', import.meta.url))

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

describe.each(threadBackends)('keyed sequences on %s', (_name, makeExecutor) => {
  test('S1 S2 tasks of one key run in order and never two at a time, whichever thread they run on', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool)
    const keys = 8
    const each = 12
    const [inside, log] = [cells(keys), cells(keys * each + 1)]
    const others: Promise<number>[] = []
    for (let turn = 0; turn < each; turn++) {
      for (let key = 0; key < keys; key++)
        others.push(runner.forKey(key).run(tasks.enterAlone(inside, key, log, key * each + turn)))
    }
    expect(new Set(await Promise.all(others))).toEqual(new Set([0]))
    const entries = entriesOf(log)
    for (let key = 0; key < keys; key++) {
      const ofKey = entries.filter((entry) => Math.floor(entry / each) === key)
      expect(ofKey).toEqual(Array.from({ length: each }, (_, turn) => key * each + turn))
    }
  })

  test('P1 tasks of two keys run on two threads at the same time', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool)
    const place = cells(1)
    const [first, second] = await Promise.all(['a', 'b'].map((key) => runner.forKey(key).run(tasks.meet(place))))
    expect(first).not.toBe(second)
  })

  test('P1 maxConcurrency holds over all keys', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool, { maxConcurrency: 1 })
    const [inside, log] = [cells(1), cells(20)]
    const others = Array.from({ length: 12 }, (_, key) => runner.forKey(key).run(tasks.enterAlone(inside, 0, log, key)))
    expect(new Set(await Promise.all(others))).toEqual(new Set([0]))
  })

  test('F5 a thread that dies under one key stops neither that key nor another', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool)
    const log = cells(10)
    const crash = outcomeOf(runner.forKey('a').run(tasks.exit(3)))
    const others = ['a', 'b', 'a', 'b'].map((key, entry) => runner.forKey(key).run(tasks.write(log, entry)))
    expect(await crash).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 3 })
    expect(await Promise.all(others)).toEqual([0, 1, 2, 3])
    const entries = entriesOf(log)
    expect(entries.filter((entry) => entry % 2 === 0)).toEqual([0, 2])
    expect(entries.filter((entry) => entry % 2 === 1)).toEqual([1, 3])
  })

  test('W1 a flush waits for every key, and holds back what is posted behind it', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool)
    const [gate, log] = [cells(2), cells(10)]
    const held = runner.forKey('a').run(tasks.passGate(gate))
    const seen: number[] = []
    const barrier = runner.flush(() => void seen.push(...entriesOf(log)))
    const before = runner.stats().barrierPending
    const behind = runner.forKey('b').run(tasks.write(log, 2))
    await changed(gate)
    expect([before, entriesOf(log)]).toEqual([true, []])
    openGate(gate)
    await Promise.all([held, barrier])
    expect(seen).toEqual([])
    await behind
    expect(entriesOf(log)).toEqual([2])
  })

  test('W5 close runs what every key has queued', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new KeyedTaskRunner(pool)
    const log = cells(200)
    for (let entry = 0; entry < 100; entry++) runner.forKey(entry % 7).postTask(tasks.write(log, entry))
    await runner.close()
    expect(entriesOf(log).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, entry) => entry))
    await expect(runner.forKey(1).run(tasks.write(log, 0))).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })
})
