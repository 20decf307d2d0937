import type { Executor, TaskHandle, ThreadPool } from '@posttask/core'
import { History, type Operation } from './history.ts'
import type { Access } from './sleep-sets.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { VirtualExecutorOptions } from './virtual-executor.ts'
import type { VirtualWorld, WorldOptions } from './virtual-world.ts'

/** What every environment of an exploration shares. */
export interface ExploreSettings {
  readonly world: WorldOptions
  /** Whether the response of a service is a scheduling point too. */
  readonly points: 'both' | 'request'
  /** How often each `sometimes` was true. */
  readonly sometimes: Map<string, number>
}

/** The schedule, as the environment needs it. */
export interface Decider {
  choose(count: number, label: string): number
  current(): TaskHandle | undefined
}

/** Options of {@link ExploreEnvironment.service}. */
export interface ServiceOptions {
  /** How long a call takes in virtual ms, at least and at most, drawn from the seed. */
  readonly latency?: readonly [number, number] | undefined
  /** What a call touches, for `reduction: 'labels'`. Default: it may touch all of the service. */
  readonly access?: ((method: string, args: readonly unknown[]) => Access) | undefined
}

/** The methods of a service, each returning a promise. */
export type Service<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}

/** A variable whose every access is a scheduling point. */
export interface Cell<T> {
  get(): Promise<T>
  set(value: T): Promise<void>
}

/**
 * What the body of an exploration is given. It has no driving calls: the explorer drives. Code between two scheduling
 * points runs as it does in production; that nothing comes in between is what JavaScript guarantees.
 */
export class ExploreEnvironment {
  readonly #world: VirtualWorld
  readonly #settings: ExploreSettings
  readonly #decider: Decider
  readonly #history = new History()
  /** @internal */
  usesRealWork = false

  constructor(world: VirtualWorld, settings: ExploreSettings, decider: Decider) {
    this.#world = world
    this.#settings = settings
    this.#decider = decider
  }

  get pool(): ThreadPool {
    return this.#world.pool
  }

  get executor(): Executor {
    return this.#world.executor
  }

  get clock(): VirtualClock {
    return this.#world.clock
  }

  /** One more pool on this clock; `{ workers: 4 }` models a pool of threads. */
  createPool(options?: VirtualExecutorOptions): ThreadPool {
    return this.#world.createPool(options)
  }

  /** One more executor on this clock. */
  createExecutor(options?: VirtualExecutorOptions): Executor {
    return this.#world.createExecutor(options)
  }

  /** A number in [0, 1), the same in every schedule. */
  random(): number {
    return this.#world.random()
  }

  /** Waits on the virtual clock, and then for its turn. */
  sleep(ms: number): Promise<void> {
    const task = this.#decider.current()
    return new Promise((resolve) => void this.clock.setTimer(ms, () => this.#enqueue(task, `after sleep ${ms} ms`, resolve)))
  }

  /** A scheduling point: others may go first. */
  point(label: string): Promise<void> {
    const task = this.#decider.current()
    return new Promise((resolve) => this.#enqueue(task, label, resolve))
  }

  /**
   * An object outside of the program under test, such as a database: request and response of each call are scheduling
   * points. What `implementation` does for one call happens at once.
   */
  service<T extends object>(name: string, implementation: T, options: ServiceOptions = {}): Service<T> {
    return new Proxy({} as Service<T>, {
      get: (_target, method) =>
        typeof method === 'symbol' || method === 'then'
          ? undefined
          : (...args: readonly unknown[]) => this.#call(name, method, implementation, args, options),
    })
  }

  /** A shared variable whose reads and writes are scheduling points. */
  cell<T>(name: string, initial: T): Cell<T> {
    let value = initial
    const cell = {
      get: () => value,
      set: (next: T) => {
        value = next
      },
    }
    return this.service(name, cell, { access: (method) => [name, method === 'get' ? 'r' : 'w'] }) as Cell<T>
  }

  /** One of several, decided by the schedule; the first by default. */
  choose<T>(items: readonly T[], label = 'choose'): T {
    if (items.length === 0) throw new RangeError('there is nothing to choose from')
    return items[items.length === 1 ? 0 : this.#decider.choose(items.length, label)] as T
  }

  /** False, unless the schedule spends a decision on a fault. */
  fault(label: string): boolean {
    return this.#decider.choose(2, `fault ${label}`) === 1
  }

  /** The exploration fails when `condition` is true in no schedule: a test must reach what it is about. */
  sometimes(name: string, condition: unknown): void {
    const { sometimes } = this.#settings
    sometimes.set(name, (sometimes.get(name) ?? 0) + (condition ? 1 : 0))
  }

  /** Real work that the schedule waits for. Its result must be the same every time. */
  external<T>(promise: PromiseLike<T>, what = 'external work'): Promise<T> {
    this.usesRealWork = true
    return this.#world.work.external(promise, what)
  }

  /** Notes every call of `api` as an operation of `client`, for `checkLinearizable`. */
  record<T extends object>(client: string, api: T): Service<T> {
    return this.#history.record(client, api)
  }

  /** The operations noted so far. */
  history(): readonly Operation[] {
    return this.#history.operations
  }

  #call(
    name: string,
    method: string,
    implementation: object,
    args: readonly unknown[],
    options: ServiceOptions,
  ): Promise<unknown> {
    const task = this.#decider.current()
    const label = `${name}.${method}`
    return new Promise((resolve, reject) => {
      const respond = (what: string, settle: () => void): void => {
        if (options.latency !== undefined) {
          const [least, most] = options.latency
          this.clock.setTimer(Math.round(least + this.random() * (most - least)), () => this.#enqueue(task, what, settle))
        } else if (this.#settings.points === 'request') settle()
        else this.#enqueue(task, what, settle)
      }
      const access: Access = options.access?.(method, args) ?? [name, 'w']
      const request = (): void => {
        let result: unknown
        try {
          result = (implementation as Record<string, (...args: readonly unknown[]) => unknown>)[method]?.(...args)
        } catch (error) {
          respond(`${label} failed`, () => reject(error))
          return
        }
        if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
          ;(result as PromiseLike<unknown>).then(
            (value) => respond(`${label} answered`, () => resolve(value)),
            (error: unknown) => respond(`${label} failed`, () => reject(error)),
          )
        } else respond(`${label} answered`, () => resolve(result))
      }
      this.clock.enqueue({ kind: 'resume', task, what: label, access, run: request })
    })
  }

  #enqueue(task: TaskHandle | undefined, what: string, run: () => void): void {
    this.clock.enqueue({ kind: 'resume', task, what, run })
  }
}
