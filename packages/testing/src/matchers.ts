import { checkLinearizable } from './check-linearizable.ts'
import type { Operation } from './history.ts'
import type { Model } from './models.ts'
import { RecordingObserver } from './recording-observer.ts'
import { TestEnvironment } from './test-environment.ts'

/** What a matcher gives, for vitest and jest alike. */
export interface MatcherResult {
  readonly pass: boolean
  message(): string
}

/** What the matchers add to an expectation; `R` is what each returns. */
export interface TaskAssertions<R> {
  /** No task is pending. */
  toBeIdle(): R
  /** A task of this name is pending. */
  toHavePendingTask(name: string, where?: { readonly due?: number; readonly runner?: string }): R
  /** Virtual time stands at `time` ms. */
  toHaveAdvancedTo(time: number): R
  /** An observer saw exactly these tasks start, in this order. */
  toHaveRunInOrder(...names: readonly string[]): R
  /** A history of calls can be explained by a sequential model. */
  toBeLinearizable<State>(model: Model<State>): R
}

/** Matchers without a framework, as `expect.extend` takes them. */
// An interface would not do: it has no index signature, which jest asks for.
export type TaskMatchers = {
  /** No task is pending. */
  toBeIdle(received: unknown): MatcherResult
  /** A task of this name is pending. */
  toHavePendingTask(received: unknown, name: string, where?: { readonly due?: number; readonly runner?: string }): MatcherResult
  /** Virtual time stands at `time` ms. */
  toHaveAdvancedTo(received: unknown, time: number): MatcherResult
  /** An observer saw exactly these tasks start, in this order. */
  toHaveRunInOrder(received: unknown, ...names: readonly string[]): MatcherResult
  /** A history of calls can be explained by a sequential model. */
  toBeLinearizable(received: unknown, model: Model<unknown>): MatcherResult
}

const environment = (received: unknown): TestEnvironment => {
  if (received instanceof TestEnvironment) return received
  throw new TypeError('this matcher is for a test environment')
}

const result = (pass: boolean, expected: string, context: string): MatcherResult => ({
  pass,
  message: () => `expected ${pass ? 'not ' : ''}${expected}\n${context}`,
})

/** See {@link TaskMatchers}. */
export const matchers: TaskMatchers = {
  toBeIdle(received) {
    const env = environment(received)
    return result(env.isIdle(), 'to be idle', env.describe())
  },
  toHavePendingTask(received, name, { due, runner } = {}) {
    const env = environment(received)
    const found = env
      .pendingTasks()
      .some(
        (task) =>
          task.name === name && (due === undefined || task.due === due) && (runner === undefined || task.runner === runner),
      )
    return result(
      found,
      `a pending task "${name}"${due === undefined ? '' : ` due at t=${due}`}${runner === undefined ? '' : ` on "${runner}"`}`,
      env.describe(),
    )
  },
  toHaveAdvancedTo(received, time) {
    const env = environment(received)
    return result(env.clock.now() === time, `the time to be t=${time}`, env.describe())
  },
  toHaveRunInOrder(received, ...names) {
    if (!(received instanceof RecordingObserver)) throw new TypeError('this matcher is for a RecordingObserver')
    const pass = received.started.length === names.length && received.started.every((name, index) => name === names[index])
    return result(pass, `to have run in order: ${names.join(', ')}`, `ran: ${received.started.join(', ')}`)
  },
  toBeLinearizable(received, model) {
    const outcome = checkLinearizable(received as readonly Operation[], model)
    return result(outcome.ok, 'to be linearizable', outcome.ok ? '' : outcome.message)
  },
}
