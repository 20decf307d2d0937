import { PoolClosedError, TaskSerializationError, WorkerCrashedError } from '@posttask/core'
import type { BorrowedPoolExecutor } from '@posttask/core/worker'
import { afterEach, describe, expect, test } from 'vitest'
import { bind, TestExecution } from './test-execution.ts'

/** A pool that belongs to the test, and an executor on it. */
export interface Borrowed {
  readonly executor: BorrowedPoolExecutor
  /** Whether the pool still runs tasks of its owner's. */
  isAlive(): Promise<boolean>
  destroy(): Promise<void>
}

/** What an executor on a pool of the user's has to do: the reduced mode. */
export const describeBorrowedPool = (name: string, borrow: () => Borrowed): void => {
  const open: Borrowed[] = []
  const make = (): Borrowed => {
    const borrowed = borrow()
    open.push(borrowed)
    return borrowed
  }
  const run = ({ executor }: Borrowed, task: ReturnType<typeof bind>, execution = new TestExecution(task.export)) =>
    executor.execute(task, execution)

  afterEach(async () => {
    await Promise.all(open.splice(0).map((borrowed) => borrowed.destroy()))
  })

  describe(`${name}: a pool of the user's`, () => {
    test('F1 results, errors and progress arrive as from threads of our own', async () => {
      const borrowed = make()
      const execution = new TestExecution('report', { onProgress: () => {} })
      expect(await run(borrowed, bind('add', 1, 2))).toBe(3)
      expect(await run(borrowed, bind('report', 2), execution)).toBe(2)
      expect(execution.seen).toEqual([0, 1])
      await expect(run(borrowed, bind('throwHttp'))).rejects.toMatchObject({ name: 'HttpError', status: 404 })
    })

    test('F4 an argument that cannot cross rejects with its path', async () => {
      const outcome = run(make(), bind('echo', { callback: () => {} }))
      await expect(outcome).rejects.toBeInstanceOf(TaskSerializationError)
      await expect(outcome).rejects.toMatchObject({ path: 'args[0].callback' })
    })

    test('F5 a task whose thread ends by an error rejects with WorkerCrashedError', async () => {
      const borrowed = make()
      await expect(run(borrowed, bind('strayThrow'))).rejects.toBeInstanceOf(WorkerCrashedError)
      expect(await run(borrowed, bind('add', 1, 1))).toBe(2)
    })

    test('C2 a running task sees its signal', async () => {
      const borrowed = make()
      await run(borrowed, bind('nothing'))
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const execution = new TestExecution('spinUntilThrown')
      const outcome = run(borrowed, bind('spinUntilThrown', flag), execution)
      while (Atomics.load(flag, 0) === 0) await new Promise(setImmediate)
      execution.cancel('enough')
      borrowed.executor.abort(execution)
      await expect(outcome).rejects.toBe('enough')
    })

    test('F1 a task that throws the reason it was cancelled for rejects with that very one', async () => {
      const borrowed = make()
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const execution = new TestExecution('spinUntilThrown')
      const outcome = run(borrowed, bind('spinUntilThrown', flag), execution)
      while (Atomics.load(flag, 0) === 0) await new Promise(setImmediate)
      const reason = new RangeError('enough')
      execution.cancel(reason)
      borrowed.executor.abort(execution)
      await expect(outcome).rejects.toBe(reason)
    })

    test('S4 there is no thread of its own to give, and no force', () => {
      const { executor } = make()
      expect(() => executor.openThread()).toThrow(TypeError)
      expect(executor.capabilities).toMatchObject({ terminate: false, maxBatch: 1 })
    })

    test('W6 closing twice waits for the same', async () => {
      const { executor } = make()
      const running = executor.execute(bind('addLater', 1, 1), new TestExecution('addLater'))
      const closing = executor.close()
      expect(executor.close()).toBe(closing)
      await closing
      expect(await running).toBe(2)
    })

    test('W6 closing waits for what runs and leaves the pool to its owner', async () => {
      const borrowed = make()
      const running = run(borrowed, bind('addLater', 1, 1))
      await borrowed.executor.close()
      expect(await running).toBe(2)
      expect(() => run(borrowed, bind('nothing'))).toThrow(PoolClosedError)
      expect(await borrowed.isAlive()).toBe(true)
    })
  })
}
