/** A sequential object that concurrent calls are checked against. States are immutable. */
export interface Model<State> {
  readonly initial: State
  /** What a call does: the state after it and the result it must have had; undefined where the model has no such method. */
  apply(state: State, method: string, args: readonly unknown[]): { readonly state: State; readonly result: unknown }
  /** Calls with different keys do not touch each other, and are checked apart. */
  partition?(method: string, args: readonly unknown[]): string
}

const unknownMethod = (model: string, method: string): never => {
  throw new TypeError(`the ${model} model has no method "${method}"`)
}

/** One value: `get()`, `set(value)`, `compareAndSet(old, value)`. */
const register = (initial: unknown = null): Model<unknown> => ({
  initial,
  apply(state, method, [first, second]) {
    if (method === 'get') return { state, result: state }
    if (method === 'set') return { state: first, result: undefined }
    if (method === 'compareAndSet') return Object.is(state, first) ? { state: second, result: true } : { state, result: false }
    return unknownMethod('register', method)
  },
})

/** Values by key, `null` where there is none: `get(key)`, `set(key, value)`, `delete(key)`, `has(key)`. */
const keyValue = (): Model<unknown> => ({
  initial: null,
  partition: (_method, [key]) => String(key),
  apply(state, method, [, value]) {
    if (method === 'get') return { state, result: state }
    if (method === 'set') return { state: value, result: undefined }
    if (method === 'has') return { state, result: state !== null }
    if (method === 'delete') return { state: null, result: state !== null }
    return unknownMethod('key-value', method)
  },
})

/** A number: `get()`, `increment(by = 1)` and `decrement(by = 1)`, which give the new value. */
const counter = (initial = 0): Model<number> => ({
  initial,
  apply(state, method, [by = 1]) {
    if (method === 'get') return { state, result: state }
    if (method === 'increment') return { state: state + Number(by), result: state + Number(by) }
    if (method === 'decrement') return { state: state - Number(by), result: state - Number(by) }
    return unknownMethod('counter', method)
  },
})

/** First in, first out: `enqueue(value)`, `dequeue()`, which gives `null` where it is empty. */
const queue = (): Model<readonly unknown[]> => ({
  initial: [],
  apply(state, method, [value]) {
    if (method === 'enqueue') return { state: [...state, value], result: undefined }
    if (method === 'dequeue') return state.length === 0 ? { state, result: null } : { state: state.slice(1), result: state[0] }
    return unknownMethod('queue', method)
  },
})

/** `lock()` gives true and false where it is taken; `unlock()` gives whether it was. */
const mutex = (): Model<boolean> => ({
  initial: false,
  apply(state, method) {
    if (method === 'lock') return { state: true, result: !state }
    if (method === 'unlock') return { state: false, result: state }
    return unknownMethod('mutex', method)
  },
})

/** `add(value)` and `remove(value)` give whether that changed something; `has(value)`. */
const set = (): Model<boolean> => ({
  initial: false,
  partition: (_method, [value]) => String(value),
  apply(state, method) {
    if (method === 'add') return { state: true, result: !state }
    if (method === 'remove') return { state: false, result: state }
    if (method === 'has') return { state, result: state }
    return unknownMethod('set', method)
  },
})

/** Sequential objects, each made afresh by a call. */
export const models: {
  readonly register: (initial?: unknown) => Model<unknown>
  readonly keyValue: () => Model<unknown>
  readonly counter: (initial?: number) => Model<number>
  readonly queue: () => Model<readonly unknown[]>
  readonly mutex: () => Model<boolean>
  readonly set: () => Model<boolean>
} = { register, keyValue, counter, queue, mutex, set }
