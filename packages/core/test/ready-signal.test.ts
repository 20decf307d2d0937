import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const full = async () => {
  const pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new SequencedTaskRunner(pool, { queueLimit: 1 })
  const gate = deferred()
  await runner.ready()
  const first = runner.run(() => gate.promise)
  await runner.ready()
  const second = runner.run(() => {})
  const end = async (): Promise<void> => {
    gate.resolve()
    await Promise.all([first, second])
    await pool.close()
  }
  return { runner, gate, end }
}

const reasonOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

describe('ready({ signal })', () => {
  test('Q1 W3 a wait for room ends with its signal, and rejects with the reason', async () => {
    const { runner, end } = await full()
    const controller = new AbortController()
    const reason = new Error('mine')
    const told = reasonOf(runner.ready({ signal: controller.signal }))
    controller.abort(reason)
    expect(await told).toBe(reason)
    await end()
  })

  test('Q1 who gave up takes no place: the next in line gets it', async () => {
    const { runner, gate, end } = await full()
    const controller = new AbortController()
    const order: string[] = []
    const given = reasonOf(runner.ready({ signal: controller.signal }))
    const next = runner.ready().then(() => order.push('next'))
    const last = runner.ready().then(() => order.push('last'))
    controller.abort()
    expect(await given).toBe(controller.signal.reason)
    expect(order).toEqual([])
    gate.resolve()
    await Promise.all([next, last])
    expect(order).toEqual(['next', 'last'])
    await end()
  })

  test('Q1 when all have given up a post finds the room that comes free', async () => {
    const { runner, end } = await full()
    const controller = new AbortController()
    const told = [1, 2, 3].map(() => reasonOf(runner.ready({ signal: controller.signal })))
    controller.abort()
    expect(new Set(await Promise.all(told))).toEqual(new Set([controller.signal.reason]))
    const closed = end()
    await runner.waitIdle()
    await closed
    expect(runner.stats()).toMatchObject({ completed: 2, rejected: 0 })
  })

  test('W3 a signal that has fired ends the wait at once, with room or without', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const reason = new Error('mine')
    const wide = new SequencedTaskRunner(pool)
    await expect(wide.ready({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const { runner, end } = await full()
    await expect(runner.ready({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await end()
  })

  test('W3 one listener serves every wait of a signal, and none stays, however the waits end', async () => {
    const { runner, end } = await full()
    const { signal } = new AbortController()
    const waits = Array.from({ length: 20 }, () => runner.ready({ signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const { signal: other } = new AbortController()
    const refused = reasonOf(runner.ready({ signal: other }))
    runner.shutdown()
    await Promise.all([refused, ...waits.map(reasonOf)])
    expect([signal, other].map((one) => getEventListeners(one, 'abort').length)).toEqual([0, 0])
    await end().catch(() => {})
  })

  test('W3 a wait that was granted leaves no listener', async () => {
    const { runner, gate, end } = await full()
    const { signal } = new AbortController()
    const ready = runner.ready({ signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    gate.resolve()
    await ready
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await end()
  })
})
