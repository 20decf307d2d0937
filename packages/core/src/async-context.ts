/** The part of Node's `AsyncResource` that is used: a place in the async context of whoever made it. */
export interface AsyncScope {
  runInAsyncScope<This, Args extends unknown[], R>(body: (this: This, ...args: Args) => R, self: This, ...args: Args): R
}

interface AsyncHooks {
  readonly AsyncResource: new (type: string) => AsyncScope
  readonly AsyncLocalStorage: new <T>() => AsyncStorage<T>
}

/** The part of Node's `AsyncLocalStorage` that is used. */
export interface AsyncStorage<T> {
  getStore(): T | undefined
  run<R>(store: T, body: () => R): R
}

interface Process {
  getBuiltinModule?(id: 'node:async_hooks'): AsyncHooks | undefined
}

// Asked for at run time, not imported: bundlers for browsers see nothing, and find nothing missing.
const hooks = (globalThis as { process?: Process }).process?.getBuiltinModule?.('node:async_hooks')

/** The async context of the caller (E4). One `AsyncResource`: `AsyncLocalStorage.snapshot` costs a hundred times more. */
export const captureAsyncContext = (): AsyncScope | undefined => hooks && new hooks.AsyncResource('posttask')

/** The context in which this module was loaded: no poster's. */
export const neutralContext: AsyncScope | undefined = captureAsyncContext()

/** Runs `body` in no poster's context, so that a host timer does not hold on to somebody's. */
export const runNeutral = (body: () => void): void => {
  if (neutralContext === undefined) body()
  else neutralContext.runInAsyncScope(body, undefined)
}

/** A store that follows `await`, or undefined where the platform has none. */
export const createAsyncStorage = <T>(): AsyncStorage<T> | undefined => hooks && new hooks.AsyncLocalStorage<T>()
