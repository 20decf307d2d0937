type Callback = (reason: unknown) => void

const callbacksOf = new WeakMap<AbortSignal, Set<Callback>>()

function callAll(this: AbortSignal): void {
  const callbacks = callbacksOf.get(this) ?? []
  callbacksOf.delete(this)
  for (const callback of callbacks) callback(this.reason)
}

/**
 * Calls back when a signal fires; what it returns ends that. However many wait for one signal, it has one listener: a
 * listener each costs O(listeners) in Node, and warns past ten.
 */
export const onAbort = (signal: AbortSignal, callback: Callback): (() => void) => {
  let callbacks = callbacksOf.get(signal)
  if (callbacks === undefined) {
    callbacks = new Set()
    callbacksOf.set(signal, callbacks)
    signal.addEventListener('abort', callAll, { once: true })
  }
  callbacks.add(callback)
  return () => {
    const left = callbacksOf.get(signal)
    if (left?.delete(callback) !== true || left.size > 0) return
    callbacksOf.delete(signal)
    signal.removeEventListener('abort', callAll)
  }
}
