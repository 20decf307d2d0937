import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { PoolWatch } from '../src/pool-watch.ts'
import { Sampler } from '../src/sampler.ts'
import type { Snapshot } from '../src/snapshot.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('a sample is taken no sooner than 250 ms after the one before, and none after the end', async () => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({ executor: env.createExecutor() })
  new SequencedTaskRunner(pool, { name: 'db' })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sent: Snapshot[] = []
  let nextId = 0
  const now = (): number => 0
  const watch = new PoolWatch(pool, { maxRunners: 5, now, nextId: () => ++nextId })
  const options = { pools: [watch], executors: [], recording: () => null, now }
  const sampler = new Sampler({ ...options, send: (snapshot) => sent.push(snapshot) })
  sampler.start()
  sampler.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(249)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toHaveLength(2)
  sampler.stop()
  expect(vi.getTimerCount()).toBe(0)
  sampler.start()
  sampler.stop()
  await vi.advanceTimersByTimeAsync(1000)
  expect(sent).toHaveLength(2)
  vi.useRealTimers()
  await pool.close()
})
