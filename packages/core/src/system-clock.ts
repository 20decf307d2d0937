import type { Clock, TimerHandle } from './clock.ts'

interface HostTimer {
  unref?(): void
}

/** What differs between hosts, typed here so that core needs the types of none. */
interface Host {
  readonly performance: { now(): number }
  readonly setTimeout: (callback: () => void, delay: number) => HostTimer
  readonly clearTimeout: (timer: HostTimer) => void
  readonly setInterval: (callback: () => void, delay: number) => HostTimer
  readonly clearInterval: (timer: HostTimer) => void
  readonly setImmediate?: (callback: () => void) => unknown
  readonly MessageChannel: new () => { port1: { onmessage: unknown }; port2: { postMessage(value: unknown): void } }
}

// Taken when the module is loaded: a test that replaces the global timers must not stop the pump.
const { performance, setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, MessageChannel } =
  globalThis as unknown as Host

/** Longer delays overflow in every host; the caller looks at the clock and sets another timer. */
const longestTimer = 2 ** 31 - 1

const noop = (): void => {}

const turnsByMessage = (): ((callback: () => void) => void) => {
  const { port1, port2 } = new MessageChannel()
  const callbacks: (() => void)[] = []
  port1.onmessage = () => callbacks.shift()?.()
  return (callback) => {
    callbacks.push(callback)
    port2.postMessage(undefined)
  }
}

let nextTurnByMessage: ((callback: () => void) => void) | undefined

const processEndsByItself = setImmediate !== undefined

/** The host's own time: `performance.now`, `setTimeout`, `setImmediate` or a `MessageChannel`. */
export const systemClock: Clock = {
  now: () => performance.now(),

  setTimer(delay, callback, options): TimerHandle {
    const timer = setTimeout(callback, Math.min(Math.ceil(delay), longestTimer))
    if (options?.unref) timer.unref?.()
    return { cancel: () => clearTimeout(timer) }
  },

  nextTurn(callback) {
    if (setImmediate !== undefined) setImmediate(callback)
    else (nextTurnByMessage ??= turnsByMessage())(callback)
  },

  ...(processEndsByItself && {
    keepAlive(): TimerHandle {
      const timer = setInterval(noop, longestTimer)
      return { cancel: () => clearInterval(timer) }
    },
  }),
}
