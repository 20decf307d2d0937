import { type BoundTask, ParallelTaskRunner, SequencedTaskRunner, type TaskRunner, ThreadPool, taskModule } from '@posttask/core'
import type { LaneExecutor } from '@posttask/core/worker'
import { checkSequenced, RecordingObserver } from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'
import { threadBackends } from '../fixtures/backends.ts'
import { cells, changed, entriesOf, openGate, outcomeOf } from '../fixtures/shared-log.ts'
import type { Deed } from '../fixtures/thread-tasks.ts'

const { act } = taskModule<typeof import('../fixtures/thread-tasks.ts')>(new URL('../fixtures/thread-tasks.ts', import.meta.url))

/** Writes down how many tasks each message to a thread holds. Also where a machine is busy, none is taken back. */
const countingBatches = (executor: LaneExecutor): number[] => {
  const sizes: number[] = []
  const { executeBatch } = executor
  if (executeBatch === undefined) throw new Error('this executor makes no batches')
  const counting: typeof executeBatch = (tasks, executions) => {
    sizes.push(tasks.length)
    return executeBatch(tasks, executions)
  }
  Object.defineProperty(executor, 'executeBatch', { value: counting })
  return sizes
}

/** Until `act` is known as a quick function. */
const warmUp = async (executor: LaneExecutor, pool: ThreadPool<BoundTask>): Promise<void> => {
  const runner = new SequencedTaskRunner(pool)
  const one = act(cells(100), 0, 'return')
  while ((executor.estimate(one) ?? 1) > 0.04) await runner.run(one)
}

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

describe.each(threadBackends)('batches on %s', (_name, makeExecutor) => {
  /** A pool on one thread that knows `act` as a quick function, so that its tasks travel together. */
  const open = async () => {
    const executor = makeExecutor({ maxThreads: 1, abortGraceMs: 0 })
    const sizes = countingBatches(executor)
    const pool = new ThreadPool({ executor })
    const log = cells(100)
    await warmUp(executor, pool)
    return { pool, log, sizes }
  }
  const runAll = (runner: TaskRunner<BoundTask>, log: Int32Array, deeds: readonly Deed[]): Promise<unknown>[] =>
    deeds.map((deed, index) => outcomeOf(runner.run(act(log, index, deed))))

  test('S1 what is ready travels in one message and has its outcomes in order', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const outcomes = runAll(new SequencedTaskRunner(pool), log, new Array<Deed>(20).fill('return'))
    const expected = Array.from({ length: 20 }, (_, index) => index)
    expect(await Promise.all(outcomes)).toEqual(expected)
    expect(entriesOf(log)).toEqual(expected)
    expect(sizes).toEqual([20])
  })

  test('S5 two busy sequences alternate in it', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const [first, second] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
    const outcomes = [11, 12, 13].map((entry) => first.run(act(log, entry, 'return')))
    outcomes.push(...[21, 22, 23].map((entry) => second.run(act(log, entry, 'return'))))
    await Promise.all(outcomes)
    expect(entriesOf(log)).toEqual([11, 21, 12, 22, 13, 23])
    expect(sizes).toEqual([6])
  })

  test('F1 F4 each task has its own outcome: a value, an error, null, a result that cannot cross', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const deeds: Deed[] = ['return', 'fail', 'fail with null', 'return a function', 'return']
    const outcomes = await Promise.all(runAll(new SequencedTaskRunner(pool), log, deeds))
    expect(outcomes).toEqual([
      0,
      expect.objectContaining({ name: 'RangeError', message: 'expected 1' }),
      null,
      expect.objectContaining({ code: 'ERR_TASK_SERIALIZATION', path: 'result.callback' }),
      4,
    ])
    expect(sizes).toEqual([5])
  })

  test.each(['sequenced', 'parallel'])(
    'F5 a crash in the middle, %s: who ran is told, who had ended has its value, the others run once',
    async (kind) => {
      const { pool, log, sizes } = await open()
      await using _ = pool
      const runner = kind === 'parallel' ? new ParallelTaskRunner(pool, { maxConcurrency: 1 }) : new SequencedTaskRunner(pool)
      const outcomes = await Promise.all(runAll(runner, log, ['return', 'return', 'exit', 'return', 'return']))
      expect(outcomes).toEqual([0, 1, expect.objectContaining({ code: 'ERR_WORKER_CRASHED', exitCode: 7 }), 3, 4])
      expect(entriesOf(log)).toEqual([0, 1, 2, 3, 4])
      expect(sizes[0]).toBe(5)
    },
  )

  test('S2 only one is told to run at a time, and each from its turn to its end', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const observer = new RecordingObserver()
    pool.addObserver(observer)
    const runner = new SequencedTaskRunner(pool)
    const running: number[] = []
    pool.addObserver({ onStarted: () => void running.push(runner.stats().running) })
    const outcomes = runAll(runner, log, new Array<Deed>(20).fill('return'))
    await Promise.all(outcomes)
    expect(sizes).toEqual([20])
    expect(checkSequenced(observer.events)).toEqual({ ok: true })
    expect(Math.max(...running)).toBe(1)
  })

  test('C1 one that is aborted before its turn never runs; progress of another comes in order', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const runner = new SequencedTaskRunner(pool)
    const [gate, controller, progress] = [cells(2), new AbortController(), [] as unknown[]]
    const first = runner.run(act(log, 0, 'wait', gate))
    const aborted = outcomeOf(runner.run(act(log, 1, 'return'), { signal: controller.signal }))
    const last = runner.run(act(log, 2, 'report'), { onProgress: (step) => void progress.push(step) })
    await changed(gate)
    controller.abort('not wanted')
    openGate(gate)
    expect(await Promise.all([first, aborted, last])).toEqual([0, 'not wanted', 2])
    expect(entriesOf(log)).toEqual([0, 2])
    expect(progress).toEqual([1, 2, 3])
    expect(sizes).toEqual([2])
  })

  test('C3 a thread that has to be ended takes no other task of the batch with it', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const runner = new SequencedTaskRunner(pool)
    const controller = new AbortController()
    const endless = outcomeOf(runner.run(act(log, 0, 'spin'), { signal: controller.signal }))
    const others = [1, 2].map((entry) => runner.run(act(log, entry, 'return')))
    await changed(log)
    controller.abort('too long')
    expect(await endless).toBe('too long')
    expect(await Promise.all(others)).toEqual([1, 2])
    expect(entriesOf(log)).toEqual([0, 1, 2])
    expect(sizes[0]).toBe(3)
  })

  test('C2 a time limit is not used up by what travels behind its task', async () => {
    const { pool, log, sizes } = await open()
    await using _ = pool
    const runner = new SequencedTaskRunner(pool)
    const gate = cells(2)
    const limited = outcomeOf(runner.run(act(log, 0, 'return'), { timeout: 2000 }))
    const behind = runner.run(act(log, 1, 'wait', gate))
    const outcome = await limited
    openGate(gate)
    expect([outcome, await behind]).toEqual([0, 1])
    expect(sizes).toEqual([])
  })

  test.each(['return', 'fail with null'] as const)(
    'F1 whoever waits for a task (%s) need not wait for a slow one that travels behind it',
    async (deed) => {
      const executor = makeExecutor({ maxThreads: 1 })
      await using pool = new ThreadPool({ executor })
      await warmUp(executor, pool)
      const runner = new SequencedTaskRunner(pool)
      const [log, gate] = [cells(100), cells(2)]
      const first = outcomeOf(runner.run(act(log, 0, deed)))
      const behind = [runner.run(act(log, 1, 'wait', gate)), runner.run(act(log, 2, 'return'))]
      expect(await first).toBe(deed === 'return' ? 0 : null)
      openGate(gate)
      expect(await Promise.all(behind)).toEqual([1, 2])
      expect(entriesOf(log)).toEqual([0, 1, 2])
    },
  )

  test('P1 what has not started behind a slow one runs on another thread, once; its own sequence waits', async () => {
    const executor = makeExecutor({ maxThreads: 2 })
    await using pool = new ThreadPool({ executor })
    await executor.ready()
    await warmUp(executor, pool)
    const [sequence, other] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
    const [log, gate] = [cells(100), cells(2)]
    // Held until both have their tasks, so that these go in one message.
    const fence = pool.fence()
    const slow = sequence.run(act(log, 1, 'wait', gate))
    const behind = [2, 3].map((entry) => sequence.run(act(log, entry, 'return')))
    const innocents = [4, 5, 6].map((entry) => other.run(act(log, entry, 'return')))
    fence[Symbol.dispose]()
    expect(await Promise.all(innocents)).toEqual([4, 5, 6])
    expect(entriesOf(log).toSorted((a, b) => a - b)).toEqual([1, 4, 5, 6])
    openGate(gate)
    expect(await Promise.all([slow, ...behind])).toEqual([1, 2, 3])
    expect(entriesOf(log).filter((entry) => entry < 4)).toEqual([1, 2, 3])
    expect(entriesOf(log)).toHaveLength(6)
  })

  test('batch: false turns it off', async () => {
    const executor = makeExecutor({ maxThreads: 1, batch: false })
    await using pool = new ThreadPool({ executor })
    const log = cells(100)
    expect(await Promise.all(runAll(new SequencedTaskRunner(pool), log, ['return', 'fail', 'return']))).toMatchObject([
      0,
      { message: 'expected 1' },
      2,
    ])
    expect(executor.executeBatch).toBeUndefined()
    expect(executor.capabilities.maxBatch).toBe(1)
  })
})
