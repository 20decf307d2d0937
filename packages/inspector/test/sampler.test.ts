import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { PoolWatch } from '../src/pool-watch.ts'
import { Sampler } from '../src/sampler.ts'
import type { Snapshot } from '../src/snapshot.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
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

test('samples that fail are told of once, and the next one comes', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  const sent: Snapshot[] = []
  const error = new Error('expected')
  let fails = true
  const stats = () => {
    if (fails) throw error
    return { name: 'threads', threads: [] }
  }
  const send = (snapshot: Snapshot): void => void sent.push(snapshot)
  const sampler = new Sampler({ pools: [], executors: [{ stats }], recording: () => null, now: () => 0, send })
  sampler.start()
  await vi.advanceTimersByTimeAsync(1000)
  expect(printed.mock.calls).toEqual([[expect.stringContaining('could not take a sample'), error]])
  expect(sent).toHaveLength(0)
  fails = false
  await vi.advanceTimersByTimeAsync(250)
  expect(sent).toHaveLength(1)
  fails = true
  await vi.advanceTimersByTimeAsync(1000)
  expect(printed.mock.calls).toHaveLength(2)
  sampler.stop()
  expect(vi.getTimerCount()).toBe(0)
})
