import { callMethod, disposeOf } from './bound-object.ts'
import { QueueFullError, RunnerClosedError, SequenceDeadlockError } from './errors.ts'
import { KeyedSequence } from './keyed-sequence.ts'
import { boundObjectHost } from './load-export.ts'
import { captureCaller, type Origin } from './origin.ts'
import { kindOf } from './post-checks.ts'
import { postFrom } from './poster.ts'
import type { BoundTask, Task, TaskContext, TaskHandle } from './task.ts'
import type { ReplyOptions } from './task-and-reply.ts'
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

/** The methods of `T`, each handed over as a task whose outcome the caller does not wait for. */
export type BoundPosts<T> = {
  readonly [Name in keyof BoundCalls<T>]: (...args: Parameters<BoundCalls<T>[Name]>) => TaskHandle
}

type Construct<T, Args extends unknown[]> = new (...args: Args) => T

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
  /**
   * The same calls without an outcome: `bound.postCall.method(...args)` hands one over as `postTask` does, and a failure
   * goes to the pool's `onTaskError` (F2). Chromium's `AsyncCall`.
   * @throws TypeError at the call once the object was disposed of
   */
  readonly postCall: BoundPosts<T>

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
    // Above this: what made the tasks, and `create`.
    const constructed = postFrom(captureCaller(runner.pool, 3), () => runner.run(construct, { name: `new ${name}` }))
    // Whoever calls a method is told.
    constructed.catch((error: unknown) => {
      this.#failure = { error }
    })
    this.call = methodsOf((method, args) => this.#call(method, args))
    this.postCall = methodsOf((method, args) => this.#postCall(method, args))
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
    const runner = checkedRunner(anyRunner)
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
    const host = (name: string, args: readonly unknown[]): BoundTask => ({ module: boundObjectHost, export: name, args })
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
    return this.#run(post(body), 'post', captureCaller(this.#runner.pool, 1)) as Promise<Awaited<R>>
  }

  /**
   * Calls a method and then `reply` with its result on `options.replyTo`, by default the runner whose task makes this call;
   * a failure calls `onError` there, or goes to the pool's `onTaskError` (F7). Chromium's `AsyncCall(...).Then(...)`.
   *
   * ```ts
   * counter.postCallAndReply('add', [2], (sum) => show(sum), { replyTo: ui })
   * ```
   *
   * @throws TypeError without `replyTo` outside of a task, and once the object was disposed of
   */
  postCallAndReply<Name extends keyof BoundCalls<T>>(
    method: Name,
    args: Parameters<BoundCalls<T>[Name]>,
    reply: (result: Awaited<ReturnType<BoundCalls<T>[Name]>>, context: TaskContext) => unknown,
    options: ReplyOptions = {},
  ): TaskHandle {
    const called = this.#taskOf(method as string, args)
    const name = `${this.#name}.${String(method)}`
    const post = (): TaskHandle =>
      this.#runner.postTaskAndReply(called, reply as (result: unknown, context: TaskContext) => unknown, { ...options, name })
    return postFrom(captureCaller(this.#runner.pool, 1), post)
  }

  /**
   * Disposes of the object on its runner, behind the calls already made: its `Symbol.asyncDispose` or `Symbol.dispose`.
   * Where the runner refuses that (Q1, W3) it rejects, and may be tried again.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#run(this.#dispose(), 'dispose', captureCaller(this.#runner.pool, 1)).then(
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
    return this.#run(this.#task(method, args), method, captureCaller(this.#runner.pool, ofMethod))
  }

  #postCall(method: string, args: readonly unknown[]): TaskHandle {
    const task = this.#taskOf(method, args)
    const origin = captureCaller(this.#runner.pool, ofMethod)
    return postFrom(origin, () => this.#runner.postTask(task, { name: `${this.#name}.${method}` }))
  }

  /** The task of a call that is handed over. */
  #taskOf(method: string, args: readonly unknown[]): Task {
    if (this.#disposed !== undefined) throw this.#disposedError(`its method ${method}`)
    return this.#guarded(this.#task(method, args))
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(this.#disposedError(what))
  }

  #disposedError(what: string): TypeError {
    return new TypeError(`"${this.#name}" was disposed of; ${what} cannot be called any more`)
  }

  async #run(task: Task, what: string, origin: Origin | undefined): Promise<unknown> {
    const guarded = this.#guarded(task)
    try {
      return await postFrom(origin, () => this.#runner.run(guarded, { name: `${this.#name}.${what}` }))
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error
    }
  }

  /** Without its object a call fails with what the construction failed with. */
  #guarded(task: Task): Task {
    if (typeof task !== 'function') return task
    return (context) => {
      if (this.#failure !== undefined) throw this.#failure.error
      return task(context)
    }
  }
}

/** Frames of ours from a call by `methodsOf` up. */
const ofMethod = 3

/** An object that seems to have every method; each calls `call`. */
const methodsOf = <Methods extends object>(call: (method: string, args: readonly unknown[]) => unknown): Methods =>
  new Proxy({} as Methods, {
    get: (_target, method) =>
      typeof method === 'symbol' || method === 'then' ? undefined : (...args: unknown[]) => call(method, args),
  })

const checkedRunner = (runner: unknown): TaskRunner => {
  if (runner instanceof KeyedSequence) {
    throw new TypeError(
      `SequenceBound cannot live on one key of runner "${runner.runner.name}"; make a sequenced runner for it, or keep the object in a Map and post to forKey(key)`,
    )
  }
  if (typeof (runner as Partial<TaskRunner> | undefined)?.run !== 'function')
    throw new TypeError(`SequenceBound.create needs a task runner as its first argument, not ${kindOf(runner)}`)
  return runner as TaskRunner
}

const isRefusal = (error: unknown): boolean =>
  error instanceof QueueFullError || error instanceof RunnerClosedError || error instanceof SequenceDeadlockError
