/** Calls a method of an object that lives here. */
export const callMethod = (object: object, method: string, args: readonly unknown[]): unknown => {
  const found = (object as Record<string, unknown>)[method]
  if (typeof found !== 'function') throw new TypeError(`the bound object has no method "${method}"`)
  return found.apply(object, args)
}

// On a thread tasks may take away what is global.
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose
const dispose: typeof Symbol.dispose = Symbol.dispose

/** Disposes of an object that lives here, where it knows how. */
export const disposeOf = (object: object | undefined): unknown => {
  const { [asyncDispose]: later, [dispose]: now } = (object ?? {}) as Partial<AsyncDisposable & Disposable>
  return later === undefined ? now?.call(object) : later.call(object)
}
