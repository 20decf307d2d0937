/** The stable codes, one for each class below. Messages may change, codes do not. */
export type TestEnvironmentErrorCode =
  | 'ERR_REENTRANT_ADVANCE'
  | 'ERR_LIVELOCK'
  | 'ERR_TASK_LIMIT'
  | 'ERR_DEADLOCK'
  | 'ERR_LEAK'
  | 'ERR_EXTERNAL_WAIT'
  | 'ERR_FOREIGN_WAIT'
  | 'ERR_TIME_LIMIT'
  | 'ERR_UNCONTROLLED'

/** Base of what the environment itself finds wrong with a test. Recognised by `code`. */
export class TestEnvironmentError extends Error {
  readonly code: TestEnvironmentErrorCode
  /** The tasks that were pending, as `runner/task`, and `test/body` if the body was; empty if it is about none. */
  readonly tasks: readonly string[]

  constructor(code: TestEnvironmentErrorCode, message: string, tasks: readonly string[] = [], options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.tasks = tasks
    this.name = new.target.name
  }
}

/** Time is driven from two places at once, or from inside a task: the inner call would wait for the outer one. */
export class ReentrantAdvanceError extends TestEnvironmentError {
  constructor(message: string) {
    super('ERR_REENTRANT_ADVANCE', message)
  }
}

/** Tasks go on for ever without time passing. */
export class LivelockError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_LIVELOCK', message, tasks)
  }
}

/** Tasks go on for ever while time passes: a chain that posts itself again. */
export class TaskLimitError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_TASK_LIMIT', message, tasks)
  }
}

/** Nothing can run any more, no timer is set, and something still waits. */
export class DeadlockError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_DEADLOCK', message, tasks)
  }
}

/** Something is left over at the end of a test: tasks, or real work that was never waited for. */
export class LeakError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_LEAK', message, tasks)
  }
}

/** Real work held the virtual time longer than `externalTimeoutMs`. */
export class ExternalWaitError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_EXTERNAL_WAIT', message, tasks)
  }
}

/** With `strict`: time would move while a task waits for something that the environment does not know. */
export class ForeignWaitError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_FOREIGN_WAIT', message, tasks)
  }
}

/** The body of a test did not end within `timeLimit` of virtual time. */
export class TimeLimitError extends TestEnvironmentError {
  constructor(message: string, tasks?: readonly string[]) {
    super('ERR_TIME_LIMIT', message, tasks)
  }
}

/** A schedule depends on something that the explorer does not control: real time, real I/O, `Math.random`, old state. */
export class UncontrolledError extends TestEnvironmentError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_UNCONTROLLED', message, [], options)
  }
}
