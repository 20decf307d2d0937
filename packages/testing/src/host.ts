interface Host {
  readonly performance: { now(): number }
  readonly setTimeout: (callback: () => void, delay: number) => { unref?(): void }
  readonly clearTimeout: (timer: unknown) => void
  readonly setImmediate?: (callback: () => void) => unknown
  readonly MessageChannel: new () => {
    port1: { onmessage: unknown; unref?(): void }
    port2: { postMessage(value: unknown): void }
  }
  readonly process?: {
    nextTick?(callback: () => void): void
    getBuiltinModule?(id: string): unknown
    readonly env?: Record<string, string | undefined>
  }
}

// Taken when the module is loaded: fake timers that are installed later must not stop the environment.
const host = globalThis as unknown as Host
const { setImmediate, setTimeout, clearTimeout, MessageChannel } = host
const nextTick = host.process?.nextTick?.bind(host.process)

/** Real milliseconds, for limits on waiting for real work. Never for anything that a test can see. */
export const realNow: () => number = host.performance.now.bind(host.performance)

/** A module of the platform, or undefined where the platform is not Node or is too old to tell. */
export const builtinModule = <T>(id: string): T | undefined => host.process?.getBuiltinModule?.(id) as T | undefined

/** A variable of the process's environment. */
export const environmentVariable = (name: string): string | undefined => host.process?.env?.[name]

const turnByMessage = (): ((callback: () => void) => void) => {
  const { port1, port2 } = new MessageChannel()
  const callbacks: (() => void)[] = []
  port1.onmessage = () => callbacks.shift()?.()
  return (callback) => {
    callbacks.push(callback)
    port2.postMessage(undefined)
  }
}

/** Calls back in a later turn of the event loop, after every microtask. */
export const onNextTurn: (callback: () => void) => unknown = setImmediate ?? turnByMessage()

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => void onNextTurn(resolve))

const tick = (): Promise<void> =>
  new Promise((resolve) => (nextTick === undefined ? void onNextTurn(resolve) : nextTick(resolve)))

/**
 * Resolves when every microtask has run, those that they queued included: exact for promise chains of any length.
 * Node empties the microtask queue before it goes on to what `nextTick` queued from a microtask.
 */
export const drainMicrotasks = async (): Promise<void> => {
  await Promise.resolve()
  await tick()
  if (nextTick !== undefined) await tick()
}

/** Real time passes. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** A real timer that does not keep the process alive. */
export const realTimer = (ms: number, callback: () => void): Disposable => {
  const timer = setTimeout(callback, ms)
  timer.unref?.()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
