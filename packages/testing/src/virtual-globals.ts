import type { VirtualClock } from './virtual-clock.ts'

/** What can be made virtual. */
export type GlobalName = 'setTimeout' | 'setInterval' | 'Date' | 'performance' | 'AbortSignal' | 'fetch'

interface Timer {
  cancel(): void
}

/** What `setTimeout` gives: enough of Node's and of a browser's. */
class VirtualTimeout implements Disposable {
  readonly #id: number
  readonly #onClear: () => void

  constructor(id: number, onClear: () => void) {
    this.#id = id
    this.#onClear = onClear
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  close(): this {
    this.#onClear()
    return this
  }

  [Symbol.toPrimitive](): number {
    return this.#id
  }

  [Symbol.dispose](): void {
    this.#onClear()
  }
}

type Callback = (...args: readonly unknown[]) => void

const delayOf = (ms: unknown): number => (Number.isFinite(Number(ms)) ? Math.max(0, Number(ms)) : 0)

/**
 * Puts the globals of time on a virtual clock until disposed: for code under test that does not take a clock. `fetch` stays
 * real and holds the time.
 */
export const installGlobals = (
  clock: VirtualClock,
  external: <T>(promise: PromiseLike<T>, what: string) => Promise<T>,
  names: readonly GlobalName[] = ['setTimeout', 'setInterval', 'Date', 'performance', 'AbortSignal', 'fetch'],
): Disposable => {
  const timers = new Map<number, Timer>()
  let lastId = 0
  const restores: (() => void)[] = []
  const replace = (target: object, key: string, value: unknown): void => {
    const original = Object.getOwnPropertyDescriptor(target, key)
    Object.defineProperty(target, key, { value, configurable: true, writable: true })
    restores.unshift(() =>
      original === undefined ? Reflect.deleteProperty(target, key) : Object.defineProperty(target, key, original),
    )
  }
  const clear = (timer: unknown): void => {
    const id = Number(timer)
    timers.get(id)?.cancel()
    timers.delete(id)
  }
  const set = (start: (id: number) => Timer): VirtualTimeout => {
    const id = ++lastId
    timers.set(id, start(id))
    return new VirtualTimeout(id, () => clear(id))
  }
  const setTimeout = (callback: Callback, ms?: number, ...args: readonly unknown[]): VirtualTimeout =>
    set((id) =>
      clock.setTimer(delayOf(ms), () => {
        timers.delete(id)
        callback(...args)
      }),
    )
  const setInterval = (callback: Callback, ms?: number, ...args: readonly unknown[]): VirtualTimeout =>
    set((id) => {
      // An interval of 0 would stop the time.
      const interval = Math.max(1, delayOf(ms))
      const next = (): Timer =>
        clock.setTimer(interval, () => {
          timers.set(id, next())
          callback(...args)
        })
      return next()
    })
  const RealDate = Date
  class VirtualDate extends RealDate {
    constructor(...args: readonly unknown[]) {
      super(...((args.length === 0 ? [clock.wallNow()] : args) as [number]))
    }

    static override now(): number {
      return clock.wallNow()
    }
  }
  const timeout = (ms: number): AbortSignal => {
    const controller = new AbortController()
    clock.setTimer(delayOf(ms), () =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
    )
    return controller.signal
  }
  const realFetch = globalThis.fetch
  const install: Readonly<Record<GlobalName, () => void>> = {
    setTimeout() {
      replace(globalThis, 'setTimeout', setTimeout)
      replace(globalThis, 'clearTimeout', clear)
    },
    setInterval() {
      replace(globalThis, 'setInterval', setInterval)
      replace(globalThis, 'clearInterval', clear)
    },
    Date: () => replace(globalThis, 'Date', VirtualDate),
    performance: () => replace(performance, 'now', () => clock.now()),
    AbortSignal: () => replace(AbortSignal, 'timeout', timeout),
    fetch: () => replace(globalThis, 'fetch', (...args: Parameters<typeof fetch>) => external(realFetch(...args), 'fetch')),
  }
  for (const name of names) install[name]()
  return {
    [Symbol.dispose]() {
      for (const restore of restores.splice(0)) restore()
      for (const timer of timers.values()) timer.cancel()
      timers.clear()
    },
  }
}
