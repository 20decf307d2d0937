import type { Service } from './explore-environment.ts'

/** One call of one client, with the logical times of call and return. */
export interface Operation {
  readonly client: string
  readonly method: string
  readonly args: readonly unknown[]
  /** Undefined while the call has not returned. */
  readonly result?: unknown
  /** The call failed: it may have had its effect or not. */
  readonly failed?: boolean
  readonly called: number
  /** Infinity while the call has not returned. */
  readonly returned: number
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Notes calls, in the order of a logical clock. */
export class History {
  readonly #operations: Writable<Operation>[] = []
  #time = 0

  get operations(): readonly Operation[] {
    return this.#operations
  }

  /** An object that passes every call on to `api` and notes it. */
  record<T extends object>(client: string, api: T): Service<T> {
    return new Proxy({} as Service<T>, {
      get: (_target, method) =>
        typeof method === 'symbol' || method === 'then'
          ? undefined
          : (...args: readonly unknown[]) => this.#note(client, method, api, args),
    })
  }

  async #note(client: string, method: string, api: object, args: readonly unknown[]): Promise<unknown> {
    const operation: Writable<Operation> = { client, method, args, called: this.#time++, returned: Number.POSITIVE_INFINITY }
    this.#operations.push(operation)
    try {
      const result = await (api as Record<string, (...args: readonly unknown[]) => unknown>)[method]?.(...args)
      operation.result = result
      operation.returned = this.#time++
      return result
    } catch (error) {
      operation.failed = true
      throw error
    }
  }
}
