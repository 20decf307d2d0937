import type { VirtualClock } from './virtual-clock.ts'
import { virtualDate } from './virtual-date.ts'
import { VirtualTimeout } from './virtual-timeout.ts'

/** What can be made virtual. */
export type GlobalName = 'setTimeout' | 'setInterval' | 'Date' | 'performance' | 'AbortSignal' | 'fetch'

/** The globals of time, put on a virtual clock until disposed. */
export interface InstalledGlobals extends Disposable {
  /** The timers that are set, by due time. */
  pending(): readonly string[]
}

type Callback = (...args: readonly unknown[]) => void

interface SleepOptions {
  readonly signal?: AbortSignal | undefined
}

/** Where `util.promisify` looks. */
const promisified = Symbol.for('nodejs.util.promisify.custom')

const abortError = (cause: unknown): Error =>
  Object.assign(new Error('The operation was aborted', { cause }), { name: 'AbortError', code: 'ABORT_ERR' })

const delayOf = (ms: unknown): number => (Number.isFinite(Number(ms)) ? Math.max(0, Number(ms)) : 0)

/**
 * Puts the globals of time on a virtual clock until disposed: for code under test that does not take a clock. `fetch` stays
 * real and holds the time.
 */
export const installGlobals = (
  clock: VirtualClock,
  external: <T>(promise: PromiseLike<T>, what: string) => Promise<T>,
  onTimer: () => void,
  names: readonly GlobalName[] = ['setTimeout', 'setInterval', 'Date', 'performance', 'AbortSignal', 'fetch'],
): InstalledGlobals => {
  const timers = new Map<number, VirtualTimeout>()
  let lastId = 0
  const restores: (() => void)[] = []
  const replace = (target: object, key: string, value: unknown): void => {
    const original = Object.getOwnPropertyDescriptor(target, key)
    Object.defineProperty(target, key, { value, configurable: true, writable: true })
    restores.unshift(() =>
      original === undefined ? Reflect.deleteProperty(target, key) : Object.defineProperty(target, key, original),
    )
  }
  const { clearTimeout: realClear } = globalThis
  const clear = (timer: unknown): void => {
    if (timer instanceof VirtualTimeout) timer.close()
    // One that was set before: its number may be that of one of these.
    else if (typeof timer === 'object' && timer !== null) realClear(timer as NodeJS.Timeout)
    else timers.get(Number(timer))?.close()
  }
  const set = (delay: number, callback: () => void, repeats: boolean): VirtualTimeout => {
    const fire = (): void => {
      onTimer()
      callback()
    }
    return new VirtualTimeout(++lastId, timers, clock, delay, fire, repeats)
  }
  const setTimeout = (callback: Callback, ms?: number, ...args: readonly unknown[]): VirtualTimeout =>
    set(delayOf(ms), () => callback(...args), false)
  const sleep = <T>(ms?: number, value?: T, { signal }: SleepOptions = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      }, ms)
      const abort = (): void => {
        timer.close()
        reject(abortError(signal?.reason))
      }
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  const setInterval = (callback: Callback, ms?: number, ...args: readonly unknown[]): VirtualTimeout =>
    // An interval of 0 would stop the time.
    set(Math.max(1, delayOf(ms)), () => callback(...args), true)
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
      replace(globalThis, 'setTimeout', Object.assign(setTimeout, { [promisified]: sleep }))
      replace(globalThis, 'clearTimeout', clear)
    },
    setInterval() {
      replace(globalThis, 'setInterval', setInterval)
      replace(globalThis, 'clearInterval', clear)
    },
    Date() {
      const VirtualDate = virtualDate(Date, () => clock.wallNow())
      replace(globalThis, 'Date', VirtualDate)
      replace(VirtualDate.prototype, 'constructor', VirtualDate)
    },
    performance: () => replace(performance, 'now', () => clock.now()),
    AbortSignal: () => replace(AbortSignal, 'timeout', timeout),
    fetch: () => replace(globalThis, 'fetch', (...args: Parameters<typeof fetch>) => external(realFetch(...args), 'fetch')),
  }
  for (const name of names) install[name]()
  return {
    pending: () =>
      [...timers.values()]
        .sort((a, b) => a.due - b.due)
        .map(({ repeats, due }) => `${repeats ? 'setInterval' : 'setTimeout'} until t=${due}`),
    [Symbol.dispose]() {
      for (const restore of restores.splice(0)) restore()
      for (const timer of [...timers.values()]) timer.close()
    },
  }
}
