import type { BoundTask } from './task.ts'

/** Binds arguments to an exported function. It does not run anything. */
export type Stub<F extends (...args: never[]) => unknown> = (...args: Parameters<F>) => BoundTask<Awaited<ReturnType<F>>>

type AnyFunction = (...args: never[]) => unknown
type AnyClass = new (...args: never[]) => object

/** One stub for each exported function of a module; for a class, one that `SequenceBound.create` takes. */
export type TaskModule<M> = {
  readonly [Name in keyof M as M[Name] extends AnyFunction | AnyClass ? Name : never]: M[Name] extends AnyFunction
    ? Stub<M[Name]>
    : M[Name] extends new (
          ...args: infer Args
        ) => infer T
      ? (...args: Args) => BoundTask<T>
      : never
}

const stubs = new WeakSet<object>()

/** True for what `taskModule` gives, as against a function that is to be called. */
export const isStub = (value: unknown): boolean => typeof value === 'function' && stubs.has(value)

const makeStub = (module: string, name: string): unknown => {
  const stub = (...args: unknown[]): BoundTask => ({ module, export: name, args })
  Object.defineProperty(stub, 'name', { value: name })
  stubs.add(stub)
  return stub
}

const hrefOf = (url: URL | string): string => {
  try {
    return new URL(url).href
  } catch (cause) {
    throw new TypeError(`taskModule needs an absolute URL, such as new URL('./images.js', import.meta.url), not ${String(url)}`, {
      cause,
    })
  }
}

/**
 * Stubs for the exported functions of a worker module. Such a module is an ordinary one: nothing to import, nothing
 * to register.
 *
 * ```ts
 * const images = taskModule<typeof import('./images.js')>(new URL('./images.js', import.meta.url))
 * await runner.run(images.resize(bytes, 200))
 * ```
 *
 * @param url absolute, best made as above, which bundlers understand
 * @throws TypeError for another
 */
export const taskModule = <M>(url: URL | string): TaskModule<M> => {
  const module = hrefOf(url)
  const known = new Map<string, unknown>()
  return new Proxy(Object.create(null) as TaskModule<M>, {
    get(_target, name) {
      // Asked for by whoever awaits the module object; it is no promise.
      if (typeof name === 'symbol' || name === 'then') return undefined
      let stub = known.get(name)
      if (stub === undefined) known.set(name, (stub = makeStub(module, name)))
      return stub
    },
  })
}
