/**
 * The value itself, or for a foreign thenable a promise that calls its `then`, once: with a lazy query each call would
 * run it.
 */
export const calledOnce = <T>(value: T): T | Promise<Awaited<T>> => {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value
  const { then } = value as { then?: unknown }
  if (typeof then !== 'function' || then === Promise.prototype.then) return value
  return new Promise<Awaited<T>>((resolve) => resolve(value as Awaited<T>))
}
