const brand = Symbol.for('@posttask/core/PostTaskError')
// A task may take them away from its thread, and errors still have to be told apart there.
const { is } = Object
const isInstance = Function.prototype[Symbol.hasInstance]

/** The stable codes, one for each class below. Messages may change, codes do not. */
export type PostTaskErrorCode =
  | 'ERR_RUNNER_CLOSED'
  | 'ERR_TASK_CANCELLED'
  | 'ERR_TASK_TIMEOUT'
  | 'ERR_QUEUE_FULL'
  | 'ERR_SEQUENCE_DEADLOCK'
  | 'ERR_TASK_SERIALIZATION'
  | 'ERR_WORKER_CRASHED'
  | 'ERR_MODULE_LOAD'
  | 'ERR_THREAD_POOL_NOT_INITIALIZED'
  | 'ERR_POOL_CLOSED'

const codes = new WeakMap<object, PostTaskErrorCode>()

/**
 * Base of every error that this library makes. `instanceof` goes by a brand and the code instead of by identity, so
 * it holds across two copies of this package.
 */
export class PostTaskError extends Error {
  /** The stable name of what happened; each has a heading in `docs/errors.md`. */
  readonly code: PostTaskErrorCode

  constructor(code: PostTaskErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    const code = codes.get(this)
    if (code === undefined) return isInstance.call(this, value)
    const branded = typeof value === 'object' && value !== null && brand in value
    return branded && (is(this, PostTaskError) || (value as unknown as PostTaskError).code === code)
  }
}

/** A post was refused, or a queued task dropped, because its runner is closed (W4, W7). */
export class RunnerClosedError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_RUNNER_CLOSED', message, options)
  }
}

/** A task was cancelled without a reason of the canceller's own (C1, C2). */
export class TaskCancelledError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_TASK_CANCELLED', message, options)
  }
}

/** `timeout` or `queueTimeout` passed (C1, C2). */
export class TaskTimeoutError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_TASK_TIMEOUT', message, options)
  }
}

/** The runner's queue is at its `queueLimit` (Q1). */
export class QueueFullError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_QUEUE_FULL', message, options)
  }
}

/** A task waits for its own runner, which can not go on before the task has ended (W3). */
export class SequenceDeadlockError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SEQUENCE_DEADLOCK', message, options)
  }
}

/** An argument or a result cannot cross to or from a thread (F4). */
export class TaskSerializationError extends PostTaskError {
  /** The offending path, such as `args[0].items[3].callback` or `result.socket`. */
  readonly path: string

  constructor(message: string, path: string, options?: ErrorOptions) {
    super('ERR_TASK_SERIALIZATION', message, options)
    this.path = path
  }
}

/** The thread died under the task, or with the state the task needs: exit, out of memory, native crash (F5, S4). */
export class WorkerCrashedError extends PostTaskError {
  /** The exit code, where there was one. */
  readonly exitCode: number | undefined

  constructor(message: string, exitCode?: number, options?: ErrorOptions) {
    super('ERR_WORKER_CRASHED', message, options)
    this.exitCode = exitCode
  }
}

/** A task's module could not be loaded, or has no such function. */
export class ModuleLoadError extends PostTaskError {
  /** URL of the module. */
  readonly module: string
  /** Name of the export that was asked for. */
  readonly export: string

  constructor(message: string, module: string, exportName: string, options?: ErrorOptions) {
    super('ERR_MODULE_LOAD', message, options)
    this.module = module
    this.export = exportName
  }
}

/** The global thread pool was used before `initGlobalThreadPool`. */
export class ThreadPoolNotInitializedError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_THREAD_POOL_NOT_INITIALIZED', message, options)
  }
}

/** The pool is closed; a pool is used once (W6). */
export class PoolClosedError extends PostTaskError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_POOL_CLOSED', message, options)
  }
}

const brandAs = (errorClass: { readonly prototype: object }, name: string, code: PostTaskErrorCode): void => {
  codes.set(errorClass, code)
  // On the prototype, as the built-in errors have it: no field of its own in each error, and safe from minifiers.
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true })
}

Object.defineProperty(PostTaskError.prototype, brand, { value: true })
brandAs(PostTaskError, 'PostTaskError', 'ERR_RUNNER_CLOSED')
brandAs(RunnerClosedError, 'RunnerClosedError', 'ERR_RUNNER_CLOSED')
brandAs(TaskCancelledError, 'TaskCancelledError', 'ERR_TASK_CANCELLED')
brandAs(TaskTimeoutError, 'TaskTimeoutError', 'ERR_TASK_TIMEOUT')
brandAs(QueueFullError, 'QueueFullError', 'ERR_QUEUE_FULL')
brandAs(SequenceDeadlockError, 'SequenceDeadlockError', 'ERR_SEQUENCE_DEADLOCK')
brandAs(TaskSerializationError, 'TaskSerializationError', 'ERR_TASK_SERIALIZATION')
brandAs(WorkerCrashedError, 'WorkerCrashedError', 'ERR_WORKER_CRASHED')
brandAs(ModuleLoadError, 'ModuleLoadError', 'ERR_MODULE_LOAD')
brandAs(ThreadPoolNotInitializedError, 'ThreadPoolNotInitializedError', 'ERR_THREAD_POOL_NOT_INITIALIZED')
brandAs(PoolClosedError, 'PoolClosedError', 'ERR_POOL_CLOSED')
