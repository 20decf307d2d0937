import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

interface Timer {
  readonly callback: () => void
  readonly delay: number
  isRefed: boolean
  isCleared: boolean
}

/** The clock over a host that writes down what it is asked for. */
const clockOver = async (host: Record<string, unknown> = {}) => {
  const timers: Timer[] = []
  const intervals: Timer[] = []
  const setter = (list: Timer[]) => (callback: () => void, delay: number) => {
    const timer = { callback, delay, isRefed: true, isCleared: false, unref: () => void (timer.isRefed = false) }
    list.push(timer)
    return timer
  }
  const clear = (timer: Timer): void => {
    timer.isCleared = true
  }
  const parts = {
    setTimeout: setter(timers),
    setInterval: setter(intervals),
    clearTimeout: clear,
    clearInterval: clear,
    performance: { now: () => 42 },
    ...host,
  }
  for (const [name, part] of Object.entries(parts)) vi.stubGlobal(name, part)
  const { systemClock } = await import('../src/system-clock.ts')
  vi.unstubAllGlobals()
  return { clock: systemClock, timers, intervals }
}

describe('the clock of the host', () => {
  beforeEach(() => void vi.resetModules())
  // So that no other file gets a clock over a host that is gone.
  afterEach(() => void vi.resetModules())

  test('D1 a timer waits whole milliseconds, and never less than asked for', async () => {
    const { clock, timers } = await clockOver()
    for (const delay of [0, 0.2, 7, 7.01]) clock.setTimer(delay, () => {})
    expect(timers.map(({ delay }) => delay)).toEqual([0, 1, 7, 8])
  })

  test('D2 a delay that no host can wait for in one piece is as long as it can, not no delay', async () => {
    const { clock, timers } = await clockOver()
    for (const delay of [2 ** 31 - 1, 2 ** 31, 1e15]) clock.setTimer(delay, () => {})
    expect(timers.map(({ delay }) => delay)).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1])
  })

  test('E3 a timer keeps the process alive unless it is asked not to', async () => {
    const { clock, timers } = await clockOver()
    clock.setTimer(1, () => {})
    clock.setTimer(1, () => {}, {})
    clock.setTimer(1, () => {}, { unref: false })
    clock.setTimer(1, () => {}, { unref: true })
    expect(timers.map(({ isRefed }) => isRefed)).toEqual([true, true, true, false])
  })

  test('E3 a host whose timers are numbers, as in browsers', async () => {
    const cleared: unknown[] = []
    const { clock } = await clockOver({ setTimeout: () => 7, clearTimeout: (id: unknown) => cleared.push(id) })
    clock.setTimer(1, () => {}, { unref: true }).cancel()
    expect(cleared).toEqual([7])
  })

  test('D5 what is cancelled is cleared: a timer, and what keeps the process alive', async () => {
    const { clock, timers, intervals } = await clockOver()
    clock.setTimer(5, () => {}).cancel()
    const alive = clock.keepAlive?.()
    expect(intervals).toMatchObject([{ delay: 2 ** 31 - 1, isRefed: true, isCleared: false }])
    alive?.cancel()
    expect([timers[0]?.isCleared, intervals[0]?.isCleared]).toEqual([true, true])
  })

  test('D1 time is that of the host as it was when the module was loaded', async () => {
    const { clock } = await clockOver()
    expect(clock.now()).toBe(42)
  })

  test('E1 the next turn is an immediate', async () => {
    const immediates: (() => void)[] = []
    const { clock } = await clockOver({ setImmediate: (callback: () => void) => immediates.push(callback) })
    const callback = (): void => {}
    clock.nextTurn(callback)
    expect(immediates).toEqual([callback])
  })

  test('E1 E3 a host without immediates: a message brings the next turn, and nothing keeps a process alive', async () => {
    const messages: (() => void)[] = []
    let channels = 0
    class MessageChannel {
      port1 = { onmessage: (): void => {} }
      port2 = { postMessage: () => messages.push(() => this.port1.onmessage()) }
      constructor() {
        channels++
      }
    }
    const { clock } = await clockOver({ setImmediate: undefined, MessageChannel })
    const seen: string[] = []
    clock.nextTurn(() => {
      seen.push('a')
      clock.nextTurn(() => seen.push('c'))
    })
    clock.nextTurn(() => seen.push('b'))
    expect([seen, messages.length, channels]).toEqual([[], 2, 1])
    for (let deliver = messages.shift(); deliver !== undefined; deliver = messages.shift()) deliver()
    expect([seen, channels]).toEqual([['a', 'b', 'c'], 1])
    // oxlint-disable-next-line typescript/unbound-method -- looked at, not called
    expect(clock.keepAlive).toBeUndefined()
  })
})
