import { fileURLToPath } from 'node:url'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { Tinypool } from 'tinypool'
import { expect, test } from 'vitest'
import { describeBorrowedPool } from '../../core/test/worker/borrowed-pool-suite.ts'
import { bind, fixture, TestExecution } from '../../core/test/worker/test-execution.ts'

describeBorrowedPool('tinypool', () => {
  const pool = new Tinypool({ minThreads: 1, maxThreads: 1 })
  return {
    executor: tinypoolExecutor({ pool }),
    isAlive: async () => (await pool.run('own', { filename: fileURLToPath(fixture), name: 'echo' })) === 'own',
    destroy: () => pool.destroy(),
  }
})

test("F1 the owner's tasks find the workerData that they found before", async () => {
  const pool = new Tinypool({ minThreads: 1, maxThreads: 1, workerData: { answer: 42 } })
  const read = (): Promise<unknown> => pool.run(undefined, { filename: fileURLToPath(fixture), name: 'readWorkerData' })
  const before = await read()
  await tinypoolExecutor({ pool }).execute(bind('nothing'), new TestExecution('nothing'))
  expect(await read()).toEqual(before)
  await pool.destroy()
})

test('F6 a pool that puts several tasks on a thread at a time is refused', async () => {
  const pool = new Tinypool({ minThreads: 0, maxThreads: 1, concurrentTasksPerWorker: 2 })
  expect(() => tinypoolExecutor({ pool })).toThrow(TypeError)
  await pool.destroy()
})
