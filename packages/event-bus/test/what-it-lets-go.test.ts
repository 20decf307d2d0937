import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { EventBus } from '@posttask/event-bus'
import { describe, expect, test } from 'vitest'
import { type HandlerEntries, HandlerEntry } from '../src/subscription.ts'

interface Events {
  number: number
  held: object
}

const collectGarbage = globalThis.gc as () => void

/** True when everything is gone. A weak reference lasts until the end of the turn that made or read it. */
const areCollected = async (refs: readonly WeakRef<object>[]): Promise<boolean> => {
  for (let time = 0; time < 20; time++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    if (refs.every((ref) => ref.deref() === undefined)) return true
  }
  return false
}

interface Setting {
  readonly bus: EventBus<Events>
  /** What lives on, beside the runner and its pool. */
  readonly keep: (value: unknown) => void
  /** What is to be gone. */
  readonly watch: (value: object) => void
}

/** Runs `body` with a bus on a borrowed runner, then its events, and tells whether all that it watched is gone. */
const letsGo = async (body: (setting: Setting) => void): Promise<boolean> => {
  // A test environment remembers who posted what: it would hold on to all of this.
  const pool = new ThreadPool({ executor: inlineExecutor(), onTaskError: () => {}, onTaskRejected: () => {} })
  const runner = new SequencedTaskRunner(pool)
  const kept: unknown[] = []
  const refs: WeakRef<object>[] = []
  const watch = (value: object): void => void refs.push(new WeakRef(value))
  const begin = (): void => body({ bus: new EventBus<Events>(runner), keep: (value) => void kept.push(value), watch })
  // A call of its own: what an async function has touched lives as long as it does.
  begin()
  await runner.waitQuiescent()
  expect(refs).not.toEqual([])
  const isGone = await areCollected(refs)
  expect(await runner.run(() => kept.length)).toBe(kept.length)
  await pool.close()
  return isGone
}

describe('what an event bus lets go of', () => {
  test('G-152 what fifty handlers hold, once the bus is closed', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      keep(bus)
      for (let index = 0; index < 50; index++) {
        const captured = { index }
        watch(captured)
        keep(bus.subscribe('number', () => captured.index))
      }
      keep(bus.close())
    })
    expect(isGone).toBe(true)
  })

  test('G-152 events that waited when it was shut down', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      keep(bus)
      bus.subscribe('held', () => {})
      for (let index = 0; index < 50; index++) {
        const event = { index }
        watch(event)
        bus.publish('held', event).catch(() => {})
      }
      bus.shutdown()
    })
    expect(isGone).toBe(true)
  })

  test('G-152 the bus itself, although its runner, subscriptions and handlers live on', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      watch(bus)
      const handler = (): void => {}
      keep(handler)
      keep(bus.subscribe('number', handler))
      keep(bus.publish('number', 1))
    })
    expect(isGone).toBe(true)
  })

  test('G-152 the events that a handler publishes', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      keep(bus)
      bus.subscribe('held', () => {})
      bus.subscribe('number', (index) => {
        const event = { index }
        watch(event)
        void bus.publish('held', event)
      })
      for (let index = 0; index < 50; index++) void bus.publish('number', index)
    })
    expect(isGone).toBe(true)
  })

  test('G-152 what an unsubscribed handler holds, although bus and subscription live on', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      keep(bus)
      const captured = { name: 'gone' }
      watch(captured)
      const subscription = bus.subscribe('number', () => captured.name)
      keep(subscription)
      subscription.unsubscribe()
    })
    expect(isGone).toBe(true)
  })

  test('a type of event, with its last handler', () => {
    const entries: HandlerEntries<() => void> = new Map()
    const add = (isOnce: boolean) => new HandlerEntry(() => {}, 'handler', isOnce, 'answer 42', entries, undefined)
    const [first, last] = [add(false), add(true)]
    first.unsubscribe()
    expect(entries.size).toBe(1)
    last.take()
    expect(entries.size).toBe(0)
    // Somebody else's by now.
    add(false)
    last.unsubscribe()
    expect(entries.size).toBe(1)
  })

  test('but not what a handler holds that is subscribed: the measure works', async () => {
    const isGone = await letsGo(({ bus, keep, watch }) => {
      keep(bus)
      const captured = { name: 'stays' }
      watch(captured)
      bus.subscribe('number', () => captured.name)
    })
    expect(isGone).toBe(false)
  })
})
