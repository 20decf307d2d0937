/** Calls a method of an object that lives here. */
export const callMethod = (object: object, method: string, args: readonly unknown[]): unknown => {
  const found = (object as Record<string, unknown>)[method]
  if (typeof found !== 'function') throw new TypeError(`the bound object has no method "${method}"`)
  return found.apply(object, args)
}

/** Disposes of an object that lives here, where it knows how. */
export const disposeOf = (object: object | undefined): unknown => {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = (object ?? {}) as Partial<AsyncDisposable & Disposable>
  return later === undefined ? now?.call(object) : later.call(object)
}
