import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../src/clock.ts'
import { HostTurn } from '../src/host-turn.ts'

const storage = new AsyncLocalStorage<string>()

/** A host whose turns the test ends. */
const makeHost = () => {
  let ends: (() => void)[] = []
  const host = {
    /** Timers that keep it alive. */
    alive: 0,
    everAlive: 0,
    /** In whose async context it was called. */
    contexts: new Set<string | undefined>(),
    get watches(): number {
      return ends.length
    },
    endTurn(): void {
      const callbacks = ends
      ends = []
      for (const callback of callbacks) callback()
    },
    clock: {
      now: () => 0,
      setTimer: () => ({ cancel: () => {} }),
      nextTurn(callback) {
        host.contexts.add(storage.getStore())
        ends.push(callback)
      },
      keepAlive() {
        host.contexts.add(storage.getStore())
        host.alive++
        host.everAlive++
        return { cancel: () => void host.alive-- }
      },
    } satisfies Clock,
  }
  return host
}

describe('the process', () => {
  test('E3 is kept alive by one timer while there is a reason to, and let go of at the end of the turn', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    turn.stayAlive()
    expect(host.alive).toBe(0)
    turn.retain()
    turn.retain()
    turn.stayAlive()
    turn.stayAlive()
    expect([host.alive, host.everAlive]).toEqual([1, 1])
    turn.release()
    expect([host.alive, host.watches]).toEqual([1, 0])
    turn.release()
    expect([host.alive, host.watches]).toEqual([1, 1])
    host.endTurn()
    expect([host.alive, host.watches]).toEqual([0, 0])
    turn.retain()
    turn.stayAlive()
    expect([host.alive, host.everAlive]).toEqual([1, 2])
  })

  test('E3 tasks that follow each other in one turn share the timer', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    turn.retain()
    turn.stayAlive()
    for (let task = 0; task < 3; task++) {
      turn.release()
      turn.retain()
      turn.stayAlive()
    }
    host.endTurn()
    expect([host.alive, host.everAlive, host.watches]).toEqual([1, 1, 0])
  })

  test('E3 a reason that comes and goes before the turn ends costs no turn and no timer', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    turn.retain()
    turn.release()
    expect([host.watches, host.everAlive]).toEqual([0, 0])
  })

  test('E3 W6 is let go of at once when all is over, whatever reasons are left, and not kept again', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    turn.retain()
    turn.stayAlive()
    turn.stop()
    expect(host.alive).toBe(0)
    turn.retain()
    turn.stayAlive()
    expect([host.alive, host.everAlive]).toEqual([0, 1])
  })

  test('E3 is left alone where it cannot end by itself', () => {
    // oxlint-disable-next-line typescript/unbound-method -- called with its clock
    const { keepAlive: _, ...clock } = makeHost().clock
    const turn = new HostTurn(clock)
    turn.retain()
    turn.stayAlive()
    expect(() => turn.stop()).not.toThrow()
  })

  test('E4 no timer and no turn holds on to the async context of whoever asked for it', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    storage.run('mine', () => {
      turn.retain()
      turn.stayAlive()
      turn.watch()
    })
    expect([...host.contexts]).toEqual([undefined])
  })
})

describe('the end of a turn', () => {
  test('E1 is told once to each who asked, and to who asks then at the end of the next', () => {
    const host = makeHost()
    const turn = new HostTurn(host.clock)
    const told: string[] = []
    const once = { onTurnEnd: () => void told.push('once') }
    const again = {
      onTurnEnd: () => {
        told.push('again')
        if (told.length < 4) turn.onEnd(again)
      },
    }
    turn.onEnd(once)
    turn.onEnd(again)
    turn.onEnd(once)
    expect([turn.isWatched, host.watches]).toEqual([true, 1])
    host.endTurn()
    expect(told).toEqual(['once', 'again'])
    expect([turn.isWatched, host.watches]).toEqual([true, 1])
    host.endTurn()
    host.endTurn()
    expect(told).toEqual(['once', 'again', 'again', 'again'])
    expect([turn.isWatched, host.watches]).toEqual([false, 0])
  })
})
