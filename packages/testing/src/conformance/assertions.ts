import { builtinModule } from '../host.ts'
import { deepEqual } from './deep-equal.ts'

/** A backend does not keep a rule. Any test runner shows it as a failure. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure'
}

/** Fails with `what` unless `holds`. */
export function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new ConformanceFailure(what)
}

const inspect = builtinModule<{ inspect(this: void, value: unknown, options: object): string }>('node:util')?.inspect

const show = (value: unknown): string => {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  try {
    return inspect?.(value, { breakLength: Number.POSITIVE_INFINITY }) ?? JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** Compares data deeply: NaN is NaN, -0 is not 0, and what is undefined is not missing. Functions by identity. */
export const assertEqual = (actual: unknown, expected: unknown, what: string): void => {
  assert(deepEqual(actual, expected), `${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** What `promise` rejects with; it fails the case when it does not. May be awaited later. */
export const rejection = (promise: PromiseLike<unknown>, what: string): Promise<unknown> => {
  const outcome = Promise.resolve(promise).then(
    (value) => {
      throw new ConformanceFailure(`${what}: expected a rejection, got ${show(value)}`)
    },
    (error: unknown) => error,
  )
  outcome.catch(() => {})
  return outcome
}

/** Checks the class of an error by name and code, which crosses copies of a package. */
export const assertError = (error: unknown, name: string, what: string): void => {
  assert(error instanceof Error && error.name === name, `${what}: expected ${name}, got ${show(error)}`)
}

/** What `body` throws at the call. */
export const thrown = (body: () => unknown, what: string): unknown => {
  try {
    body()
  } catch (error) {
    return error
  }
  throw new ConformanceFailure(`${what}: expected a throw at the call`)
}
