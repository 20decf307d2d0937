import { fileURLToPath } from 'node:url'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { Piscina } from 'piscina'
import { expect, test } from 'vitest'
import { describeBorrowedPool } from '../../core/test/worker/borrowed-pool-suite.ts'
import { fixture } from '../../core/test/worker/test-execution.ts'

describeBorrowedPool('piscina', () => {
  const pool = new Piscina({ minThreads: 1, maxThreads: 1 })
  return {
    executor: piscinaExecutor({ pool }),
    isAlive: async () => (await pool.run('own', { filename: fileURLToPath(fixture), name: 'echo' })) === 'own',
    destroy: () => pool.destroy(),
  }
})

test('F6 a pool that puts several tasks on a thread at a time is refused', async () => {
  const pool = new Piscina({ minThreads: 0, maxThreads: 1, concurrentTasksPerWorker: 2 })
  expect(() => piscinaExecutor({ pool })).toThrow(TypeError)
  await pool.destroy()
})
