import type { Executor, Task, ThreadPool } from '@posttask/core'
import { LeakError } from './errors.ts'
import { heldExecutor } from './held-executor.ts'
import type { Random } from './random.ts'
import { checkedLimits, type RunLimits } from './run-limits.ts'
import type { TaskInfo } from './task-ledger.ts'
import { type TestEnvironmentOptions, TimeDriver } from './time-driver.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { VirtualExecutor, VirtualExecutorOptions } from './virtual-executor.ts'
import type { GlobalName } from './virtual-globals.ts'
import type { VirtualWorld } from './virtual-world.ts'

/**
 * Virtual time for code under test: it moves only when it is told to, and only when everything that can go on without
 * it has gone on. Made by {@link createTestEnvironment}.
 *
 * Every driving call is asynchronous, and only one may be active. Chromium's `base::test::TaskEnvironment` with
 * `TimeSource::MOCK_TIME`.
 */
export class TestEnvironment implements AsyncDisposable {
  readonly #driver: TimeDriver
  readonly #world: VirtualWorld

  constructor(options: TestEnvironmentOptions = {}) {
    this.#driver = new TimeDriver(options)
    this.#world = this.#driver.world
  }

  /** For code under test that makes its own pool: closures and bound tasks, run in place. */
  get executor(): VirtualExecutor {
    return this.#world.executor
  }

  /** For code under test that takes a pool or makes runners. Failures of its tasks are thrown by {@link verify}. */
  get pool(): ThreadPool {
    return this.#world.pool
  }

  get clock(): VirtualClock {
    return this.#world.clock
  }

  /** Numbers from the seed, in [0, 1). */
  get random(): Random {
    return this.#world.random
  }

  /** What failed and nobody waited for, so far. */
  get failures(): readonly unknown[] {
    return this.#world.failures
  }

  /** One more executor on this clock; `{ workers: 4 }` models a pool of threads. */
  createExecutor(options?: VirtualExecutorOptions): VirtualExecutor {
    return this.#world.createExecutor(options)
  }

  /** One more pool on this clock; `{ workers: 4 }` models a pool of threads. */
  createPool(options?: VirtualExecutorOptions): ThreadPool {
    return this.#world.createPool(options)
  }

  /** A real backend under this clock: each of its jobs in flight holds the virtual time. */
  hold<Accepts extends Task>(executor: Executor<Accepts>): Executor<Accepts> {
    return heldExecutor(executor, this.clock, (promise, what) => this.external(promise, what))
  }

  /** Runs everything that can run at this instant, and what that posts without a delay. Time stands still. */
  runUntilIdle(): Promise<void> {
    return this.#driver.drive('runUntilIdle', () => this.#driver.runUntilIdle())
  }

  /**
   * Runs exactly one start or continuation of a task, moving the clock only if nothing is ready. Gives the task, or
   * undefined where nothing is left.
   */
  runNext(): Promise<TaskInfo | undefined> {
    return this.#driver.drive('runNext', () => this.#driver.runNext())
  }

  /** As {@link advanceTo}, `ms` from now. */
  async advanceBy(ms: number): Promise<void> {
    await this.advanceTo(this.clock.now() + checkedTime(ms, 'ms'))
  }

  /**
   * Runs everything up to `time` in due order, inclusive: work at exactly `time`, and what it posts there without a
   * delay, has run and settled.
   * @throws RangeError when `time` is in the past
   */
  async advanceTo(time: number): Promise<void> {
    const now = this.clock.now()
    if (checkedTime(time, 'time') < now) throw new RangeError(`time cannot go back from ${now} to ${time}`)
    await this.#driver.drive('advanceTo', () => this.#driver.advanceTo(time))
  }

  /** Time passes and nothing runs, as in a process that was frozen. What fell due runs late, at the next driving call. */
  jumpBy(ms: number): void {
    this.#driver.refuseReentry('jumpBy')
    if (checkedTime(ms, 'ms') < 0) throw new RangeError(`time cannot go back by ${-ms} ms`)
    this.clock.moveTo(this.clock.now() + ms)
  }

  /**
   * Lets time move until no task remains. Repeating tasks and those posted with `unref` do not count as remaining, but
   * run when they fall due on the way.
   * @throws TaskLimitError after `maxTasks` (default 100,000) steps: a chain that posts itself never ends
   */
  fastForwardUntilNoTasksRemain(
    options: { readonly until?: number | undefined; readonly maxTasks?: number | undefined } = {},
  ): Promise<void> {
    return this.#driver.drive('fastForwardUntilNoTasksRemain', () =>
      this.#driver.fastForward(options.until ?? Number.POSITIVE_INFINITY, options.maxTasks ?? 100_000),
    )
  }

  /**
   * Runs `body`, and lets time move by itself whenever everything waits, until `body` ends. Then it runs what needs no
   * more time, as every driving call does: tasks that the body has posted without a delay, and what they post.
   * @throws DeadlockError when everything waits and no timer is set, LivelockError, TimeLimitError, TaskLimitError;
   *   whatever `body` throws
   */
  async run<T>(body: (env: TestEnvironment) => PromiseLike<T> | T, options: RunLimits = {}): Promise<T> {
    const limits = checkedLimits(options)
    return this.#driver.drive('run', () => this.#driver.run(() => body(this), limits))
  }

  /** For the body of a test: wakes last at its instant, after everything else there has run. A task uses `context.sleep`. */
  sleep(ms: number): Promise<void> {
    if (checkedTime(ms, 'ms') < 0) throw new RangeError(`cannot sleep ${ms} ms`)
    return this.#driver.sleep(ms)
  }

  /** Real work that the environment cannot see: virtual time stands still until it settles. */
  external<T>(promise: PromiseLike<T>, what = 'external work'): Promise<T> {
    return this.#world.work.external(promise, what)
  }

  /** Virtual time stands still until disposed. */
  holdTime(what = 'a hold'): Disposable {
    return this.#world.work.hold(what)
  }

  /** Puts the globals of time on this clock until the environment is disposed, or what it returns is. */
  installGlobals(names?: readonly GlobalName[]): Disposable {
    return this.#world.installGlobals(names)
  }

  /** What is queued, delayed or running, in the order of the posts. */
  pendingTasks(): readonly TaskInfo[] {
    return this.#world.ledger.list().map(({ info }) => info)
  }

  /** When something next falls due. */
  nextDeadline(): number | undefined {
    return this.#driver.nextDeadline()
  }

  /** True where nothing is ready and no task is pending, delayed ones included. */
  isIdle(): boolean {
    return this.clock.ready.every(({ kind }) => kind === 'pump') && this.pendingTasks().length === 0
  }

  /** What is pending and why, as text for a failing test. */
  describe(): string {
    return this.#driver.describe()
  }

  /** What happened so far, one line each: the same for the same run, so it can be an inline snapshot. */
  timeline(): string {
    return String(this.#world.journal)
  }

  /**
   * Throws for what is left over: pending tasks (except those with `unref`), real work that never ended, and failures
   * that nobody waited for.
   * @throws LeakError, the failure itself, or an `AggregateError` of several
   */
  verify(options: { allow?(task: TaskInfo): boolean } = {}): void {
    const left = this.#world.ledger.list().filter(({ info }) => !info.background && !options.allow?.(info))
    const { holds } = this.#world.work
    const errors = this.#world.failures.splice(0)
    if (left.length + holds.length > 0) {
      const what = [
        ...(left.length > 0 ? [`${left.length} task(s)`] : []),
        ...(holds.length > 0 ? [`real work: ${holds.join(', ')}`] : []),
      ]
      errors.push(
        new LeakError(
          `left over at the end of the test: ${what.join(' and ')}\n${this.describe()}`,
          left.map(({ info }) => `${info.runner}/${info.name}`),
        ),
      )
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} failures that nobody waited for`)
  }

  /** Drops what is pending, without a word. What runs sees its signal fire. */
  async discard(): Promise<void> {
    await this.#driver.discard()
  }

  /** {@link verify}, then {@link discard}. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.verify()
    } finally {
      await this.discard()
    }
  }
}

const checkedTime = (time: number, what: string): number => {
  if (typeof time !== 'number' || !Number.isFinite(time))
    throw new RangeError(`${what} must be a finite number of milliseconds, not ${String(time)}`)
  return time
}

/**
 * A test environment with a clock, a pool and an executor of its own.
 *
 * ```ts
 * await using env = createTestEnvironment()
 * const runner = new SequencedTaskRunner(env.pool)
 * runner.postDelayedTask(() => save(), 30_000)
 * await env.advanceBy(30_000)
 * ```
 *
 * `await using` checks at the end that nothing is left over.
 */
export const createTestEnvironment = (options: TestEnvironmentOptions = {}): TestEnvironment => new TestEnvironment(options)

export type { TestEnvironmentOptions }
