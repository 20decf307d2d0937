// What the conformance cases run: an ordinary worker module. Shared arrays tell the poster what happened here.

let calls = 0

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Gives its argument back. */
export const echo = (value: unknown): unknown => value

/** As `echo`, later. */
export const echoLater = async (value: unknown): Promise<unknown> => {
  await wait(2)
  return value
}

/** How often this module was called on this thread. */
export const count = (): number => ++calls

/** Fails with an error of a class of its own, with a cause and a property. */
export const fail = (message: string): never => {
  throw Object.assign(new RangeError(message, { cause: new TypeError('the cause') }), { detail: { shelf: 7 } })
}

/** As `fail`, later. */
export const failLater = async (message: string): Promise<never> => {
  await wait(2)
  return fail(message)
}

class SeveralError extends AggregateError {}

/** Fails with a subclass of a built-in class, which is its own cause. */
export const failSeveral = (): never => {
  const error = new SeveralError([new TypeError('one'), 'two'], 'several')
  throw Object.assign(error, { cause: error })
}

/** Fails with an error whose name and code are no own properties. */
export const failWithException = (): never => {
  throw new DOMException('gone', 'AbortError')
}

/** Throws something that is no error. */
export const throwValue = (value: unknown): never => {
  throw value
}

/** Writes `value` at the next free place: `log[0]` is how many there are. */
export const append = (log: Int32Array, value: number): void => {
  log[Atomics.add(log, 0, 1) + 1] = value
}

/** Counts who is inside: `state[0]` now, `state[1]` at the most. */
export const stay = async (state: Int32Array, ms: number): Promise<void> => {
  const inside = Atomics.add(state, 0, 1) + 1
  if (inside > Atomics.load(state, 1)) Atomics.store(state, 1, inside)
  await wait(ms)
  Atomics.sub(state, 0, 1)
}

/** Ends when `parties` calls are inside at the same time. */
export const meet = async (state: Int32Array, parties: number): Promise<boolean> => {
  Atomics.add(state, 0, 1)
  while (Atomics.load(state, 0) < parties) await wait(1)
  return true
}

/** Says that it has started, and ends when it is told to: `state[0]` and `state[1]`. */
export const untilTold = async (state: Int32Array): Promise<string> => {
  Atomics.store(state, 0, 1)
  while (Atomics.load(state, 1) === 0) await wait(1)
  return 'told'
}

/** Says that it has started, and never comes back. */
export const spin = (state: Int32Array): never => {
  Atomics.store(state, 0, 1)
  for (;;);
}

/** Gives something that cannot be copied. */
export const uncloneable = (): unknown => ({ list: [1, { callback: () => 1 }] })

/** The thread dies. */
export const crash = (code: number): void => {
  const { process } = globalThis as unknown as { process: { exit(code: number): never } }
  process.exit(code)
}

/** Leaves code behind that says so, holds the thread until it is told to end, and takes the thread along. */
export const leaveCrash = (state: Int32Array): void => {
  setTimeout(() => {
    Atomics.store(state, 0, 1)
    while (Atomics.load(state, 1) === 0);
    crash(1)
  }, 0)
}

/** Leaves code behind that says so, and holds the thread for ever. */
export const leaveSpin = (state: Int32Array): void => {
  setTimeout(() => spin(state), 0)
}

/** The length of what arrived. */
export const byteLength = (bytes: Uint8Array): number => bytes.byteLength
