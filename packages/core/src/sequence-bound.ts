import { QueueFullError, RunnerClosedError, SequenceDeadlockError } from './errors.ts'
import type { BoundTask, Task, TaskContext } from './task.ts'
import { isStub, type Stub } from './task-module.ts'
import type { TaskRunner } from './task-runner.ts'

/** The methods of `T`, called from anywhere: each call is a task of the object's runner. */
export type BoundCalls<T> = {
  readonly [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]: T[Name] extends (
    ...args: infer Args
  ) => infer R
    ? (...args: Args) => Promise<Awaited<R>>
    : never
}

type Construct<T, Args extends unknown[]> = new (...args: Args) => T

/** The functions in a thread that keep its objects; a module of ours, found beside this one as source and when built. */
const hostModule = (): string =>
  new URL(`./worker/bound-object-host${/\.[a-z]+$/.exec(import.meta.url)?.[0] ?? '.js'}`, import.meta.url).href

let objects = 0

/**
 * An object that lives on a runner. It is constructed there, its methods are called there, one at a time and in order
 * (S1, S2), and it is disposed there. It can be used at once: calls queue behind the construction. Chromium's
 * `base::SequenceBound`.
 *
 * ```ts
 * await using counter = SequenceBound.create(runner, Counter, 5)
 * await counter.call.add(2)
 * ```
 */
export class SequenceBound<T extends object> implements AsyncDisposable {
  readonly #runner: TaskRunner
  readonly #name: string
  /** Makes the task of a call. */
  readonly #task: (method: string, args: readonly unknown[]) => Task
  readonly #post: ((body: (object: T, context: TaskContext) => unknown) => Task) | undefined
  readonly #dispose: () => Task
  #failure: { readonly error: unknown } | undefined
  #disposed: Promise<void> | undefined
  /** The calls: `await bound.call.method(...args)`. */
  readonly call: BoundCalls<T>

  private constructor(
    runner: TaskRunner,
    name: string,
    construct: Task,
    task: (method: string, args: readonly unknown[]) => Task,
    dispose: () => Task,
    post?: (body: (object: T, context: TaskContext) => unknown) => Task,
  ) {
    this.#runner = runner
    this.#name = name
    this.#task = task
    this.#post = post
    this.#dispose = dispose
    const constructed = runner.run(construct, { name: `new ${name}` })
    // Whoever calls a method is told.
    constructed.catch((error: unknown) => {
      this.#failure = { error }
    })
    this.call = new Proxy({} as BoundCalls<T>, {
      get: (_target, method) =>
        typeof method === 'symbol' || method === 'then' ? undefined : (...args: unknown[]) => this.#call(method, args),
    })
  }

  /**
   * Constructs an object on a runner: a class, on an inline backend; or a stub of `taskModule`, whose function (or
   * class) makes the object, on the thread of a single-thread runner or inline.
   * @throws TypeError for a runner on which the object could not stay: a parallel one, or one without a thread of its own
   */
  static create<T extends object, Args extends unknown[]>(
    runner: TaskRunner,
    construct: Construct<T, Args>,
    ...args: Args
  ): SequenceBound<T>
  static create<T extends object, Args extends unknown[]>(
    runner: TaskRunner<BoundTask>,
    stub: (...args: Args) => BoundTask<T>,
    ...args: Args
  ): SequenceBound<T>
  static create<T extends object>(
    anyRunner: TaskRunner<never> | TaskRunner<BoundTask> | TaskRunner,
    construct: Construct<T, unknown[]> | Stub<(...args: unknown[]) => T>,
    ...args: unknown[]
  ): SequenceBound<T> {
    const runner = anyRunner as TaskRunner
    const { executor } = runner.pool
    const isInline = executor.capabilities.boundary === 'inline'
    if (runner.kind === 'parallel' || runner.kind === 'keyed' || (!isInline && runner.kind !== 'single-thread')) {
      throw new TypeError(
        `SequenceBound cannot live on runner "${runner.name}": ${isInline ? 'its tasks overlap' : `consecutive tasks of a ${runner.kind} runner may run on different threads`}; use a ${isInline ? 'sequenced' : 'single-thread'} runner`,
      )
    }
    if (isStub(construct)) return SequenceBound.#inModule<T>(runner, (construct as Stub<(...args: unknown[]) => T>)(...args))
    if (typeof construct !== 'function') throw new TypeError('SequenceBound.create needs a class, or a stub of taskModule')
    return SequenceBound.#here<T>(runner, construct as Construct<T, unknown[]>, args)
  }

  static #here<T extends object>(runner: TaskRunner, construct: Construct<T, unknown[]>, args: unknown[]): SequenceBound<T> {
    let object: T | undefined
    return new SequenceBound<T>(
      runner,
      construct.name,
      () => {
        object = new construct(...args)
      },
      (method, values) => () => callMethod(object as T, method, values),
      () => () => disposeOf(object),
      (body) => (context) => body(object as T, context),
    )
  }

  static #inModule<T extends object>(runner: TaskRunner, make: BoundTask): SequenceBound<T> {
    const id = `${runner.pool.name}/${runner.name}/${++objects}`
    const host = (name: string, args: readonly unknown[]): BoundTask => ({ module: hostModule(), export: name, args })
    return new SequenceBound<T>(
      runner,
      make.export,
      host('createBoundObject', [id, make.module, make.export, make.args]),
      (method, values) => host('callBoundObject', [id, method, values]),
      () => host('disposeBoundObject', [id]),
    )
  }

  /**
   * Runs `body` with the object itself, in order with the calls. Inline only.
   * @throws TypeError where the object lives in a thread: a closure cannot go there
   */
  post<R>(body: (object: T, context: TaskContext) => R | PromiseLike<R>): Promise<Awaited<R>> {
    const post = this.#post
    if (post === undefined)
      throw new TypeError(`post() of "${this.#name}" needs its object on this event loop; call a method of it instead`)
    if (this.#disposed !== undefined) return this.#refuse('post()')
    return this.#run(post(body), 'post') as Promise<Awaited<R>>
  }

  /**
   * Disposes of the object on its runner, behind the calls already made: its `Symbol.asyncDispose` or `Symbol.dispose`.
   * Where the runner refuses that (Q1, W3) it rejects, and may be tried again.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#run(this.#dispose(), 'dispose').then(
      () => {},
      (error: unknown) => {
        // An object that was never made needs no disposal; its callers were told.
        if (this.#failure !== undefined) return
        if (isRefusal(error)) this.#disposed = undefined
        throw error
      },
    )
    return this.#disposed
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#disposed !== undefined) return this.#refuse(`its method ${method}`)
    return this.#run(this.#task(method, args), method)
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(new TypeError(`"${this.#name}" was disposed of; ${what} cannot be called any more`))
  }

  async #run(task: Task, what: string): Promise<unknown> {
    const guarded = typeof task === 'function' ? this.#unlessFailed(task) : task
    try {
      return await this.#runner.run(guarded, { name: `${this.#name}.${what}` })
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error
    }
  }

  #unlessFailed(task: (context: TaskContext) => unknown): Task {
    return (context) => {
      if (this.#failure !== undefined) throw this.#failure.error
      return task(context)
    }
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof QueueFullError || error instanceof RunnerClosedError || error instanceof SequenceDeadlockError

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
