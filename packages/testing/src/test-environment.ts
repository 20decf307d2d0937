import type { Executor, Task, TaskHandle, ThreadPool } from '@posttask/core'
import { ForeignWaitError, LeakError, LivelockError, ReentrantAdvanceError, TaskLimitError, TimeLimitError } from './errors.ts'
import { heldExecutor } from './held-executor.ts'
import { pause, realTimer } from './host.ts'
import { IoScope } from './io-scope.ts'
import { nameOf } from './journal.ts'
import type { Random } from './random.ts'
import { StepCounts } from './step-counts.ts'
import type { PendingTask, TaskInfo } from './task-ledger.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { VirtualExecutor, VirtualExecutorOptions } from './virtual-executor.ts'
import { type GlobalName, installGlobals } from './virtual-globals.ts'
import { VirtualWorld, type WorldOptions } from './virtual-world.ts'

/** Options of a test environment. */
export interface TestEnvironmentOptions extends WorldOptions {
  /** Time that would move while a task waits for something unknown is an error. Default false. */
  readonly strict?: boolean | undefined
  /** The most steps at one instant before it is a livelock. Default 10,000. */
  readonly maxTasksPerInstant?: number | undefined
}

/** Who sleeps in the body of a test. */
interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

const probeMs = 50
const stallMs = 1000

/**
 * Virtual time for code under test: it moves only when it is told to, and only when everything that can go on without
 * it has gone on. Made by {@link createTestEnvironment}.
 *
 * Every driving call is asynchronous, and only one may be active. Chromium's `base::test::TaskEnvironment` with
 * `TimeSource::MOCK_TIME`.
 */
export class TestEnvironment implements AsyncDisposable {
  readonly #world: VirtualWorld
  readonly #options: TestEnvironmentOptions
  readonly #counts = new StepCounts()
  readonly #foreignMoves = new Set<string>()
  #sleepers: Sleeper[] = []
  readonly #globals: Disposable[] = []
  #driving: string | undefined
  #body: 'none' | 'running' | 'ended' = 'none'
  #stall: Disposable | undefined
  #lastStep: TaskHandle | undefined

  constructor(options: TestEnvironmentOptions = {}) {
    this.#options = options
    this.#world = new VirtualWorld(options, {
      keepsJournal: true,
      keepsSites: true,
      tracksIO: options.trackIO ?? true,
      tracksRunner: true,
      onStep: (task) => {
        this.#lastStep = task
        this.#counts.add(nameOf(task))
      },
    })
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
    return this.#drive('runUntilIdle', () => this.#runUntilIdle())
  }

  /**
   * Runs exactly one start or continuation of a task, moving the clock only if nothing is ready. Gives the task, or
   * undefined where nothing is left.
   */
  runNext(): Promise<TaskInfo | undefined> {
    return this.#drive('runNext', () => this.#runNext())
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
    await this.#drive('advanceTo', () => this.#advanceTo(time))
  }

  /** Time passes and nothing runs, as in a process that was frozen. What fell due runs late, at the next driving call. */
  jumpBy(ms: number): void {
    this.#refuseReentry('jumpBy')
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
    return this.#drive('fastForwardUntilNoTasksRemain', () =>
      this.#fastForward(options.until ?? Number.POSITIVE_INFINITY, options.maxTasks ?? 100_000),
    )
  }

  /**
   * Runs `body`, and lets time move by itself whenever everything waits, until `body` ends.
   * @throws DeadlockError when everything waits and no timer is set; whatever `body` throws
   */
  run<T>(
    body: (env: TestEnvironment) => PromiseLike<T> | T,
    options: { readonly timeLimit?: number | undefined } = {},
  ): Promise<T> {
    return this.#drive('run', () => this.#run(body, options.timeLimit ?? Number.POSITIVE_INFINITY))
  }

  /** For the body of a test: wakes last at its instant, after everything else there has run. A task uses `context.sleep`. */
  sleep(ms: number): Promise<void> {
    if (checkedTime(ms, 'ms') < 0) throw new RangeError(`cannot sleep ${ms} ms`)
    this.#watchForStall()
    return new Promise((wake) => {
      this.#sleepers.push({ due: this.clock.now() + ms, wake })
      this.#sleepers.sort((a, b) => a.due - b.due)
    })
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
    const globals = installGlobals(this.clock, (promise, what) => this.external(promise, what), names)
    this.#globals.push(globals)
    return globals
  }

  /** What is queued, delayed or running, in the order of the posts. */
  pendingTasks(): readonly TaskInfo[] {
    return this.#world.ledger.list().map(({ info }) => info)
  }

  /** When something next falls due. */
  nextDeadline(): number | undefined {
    const timer = this.clock.nextDeadline()
    const sleeper = this.#sleepers[0]?.due
    return timer === undefined || (sleeper !== undefined && sleeper < timer) ? sleeper : timer
  }

  /** True where nothing is ready and no task is pending, delayed ones included. */
  isIdle(): boolean {
    return this.clock.ready.every(({ kind }) => kind === 'pump') && this.pendingTasks().length === 0
  }

  /** What is pending and why, as text for a failing test. */
  describe(): string {
    const foreign = [...this.#foreignMoves]
    const note =
      foreign.length === 0
        ? ''
        : `\n  time moved while these waited for something the environment does not know: ${foreign.join(', ')}`
    return this.#world.describe(this.#describeBody()) + note
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
      errors.push(new LeakError(`left over at the end of the test: ${what.join(' and ')}\n${this.describe()}`))
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} failures that nobody waited for`)
  }

  /** Drops what is pending, without a word. What runs sees its signal fire. */
  async discard(): Promise<void> {
    for (const globals of this.#globals.splice(0).toReversed()) globals[Symbol.dispose]()
    this.#stall?.[Symbol.dispose]()
    this.#sleepers = []
    this.#world.discard()
    if (this.#driving !== undefined) return
    // A task that does not end although it was aborted is left behind.
    await this.#drive('discard', () => this.#runUntilIdle()).catch(() => {})
    this.#stall?.[Symbol.dispose]()
  }

  /** {@link verify}, then {@link discard}. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.verify()
    } finally {
      await this.discard()
    }
  }

  #refuseReentry(call: string): void {
    if (this.#driving === undefined) return
    throw new ReentrantAdvanceError(
      `${call}() was called while ${this.#driving}() drives the time; in a task use context.sleep(ms), in the body of a test that drives itself env.sleep(ms)`,
    )
  }

  async #drive<T>(call: string, body: () => Promise<T>): Promise<T> {
    this.#refuseReentry(call)
    this.#driving = call
    this.#stall?.[Symbol.dispose]()
    this.#counts.startInstant()
    try {
      return await IoScope.outside(body)
    } finally {
      this.#driving = undefined
      this.#watchForStall()
    }
  }

  #settle(): Promise<void> {
    return this.#world.work.settle(
      () => this.#world.ledger.hasForeignWait || (this.#body === 'running' && !this.#bodyWaitIsKnown),
      () => this.describe(),
    )
  }

  get #bodyWaitIsKnown(): boolean {
    return this.#sleepers.length > 0 || this.#world.ledger.waitsOf(undefined).length > 0
  }

  /** Runs what is ready, or wakes the body where nothing else is left at this instant. False where nothing did. */
  async #step(): Promise<boolean> {
    await this.#settle()
    if (this.clock.ready.length > 0) this.#runEntry()
    else {
      const sleeper = this.#sleepers[0]
      if (sleeper === undefined || sleeper.due > this.clock.now()) return false
      this.#sleepers.shift()
      this.#world.note('test', 'wakes')
      sleeper.wake()
    }
    return true
  }

  #runEntry(): void {
    const limit = this.#options.maxTasksPerInstant ?? 10_000
    if (this.#counts.addStep() > limit) {
      throw new LivelockError(
        `livelock: more than ${limit} steps at t=${this.clock.now()}: ${this.#counts.busiest()}\n${this.describe()}`,
      )
    }
    try {
      this.clock.runNext()
    } catch (error) {
      // Only a raw timer of the code under test can throw here.
      this.#world.failures.push(error)
    }
  }

  #moveTo(time: number): void {
    if (time > this.clock.now()) {
      for (const { runner, name, foreign } of this.#world.ledger.hasForeignWait ? this.pendingTasks() : []) {
        if (!foreign) continue
        if (this.#options.strict) {
          throw new ForeignWaitError(
            `time would move while ${runner}/${name} waits for something unknown; use env.external(promise) for real work\n${this.describe()}`,
          )
        }
        this.#foreignMoves.add(`${runner}/${name}`)
      }
      this.#counts.startInstant()
    }
    this.clock.moveTo(Math.max(time, this.clock.now()))
  }

  async #runUntilIdle(): Promise<void> {
    while (await this.#step());
  }

  async #runNext(): Promise<TaskInfo | undefined> {
    this.#lastStep = undefined
    while (this.#lastStep === undefined) {
      if (await this.#step()) continue
      const next = this.nextDeadline()
      if (next === undefined) return undefined
      this.#moveTo(next)
    }
    const step: TaskHandle = this.#lastStep
    const isStep = ({ handle, runner }: PendingTask): boolean =>
      handle === step || ('runCount' in handle && runner === (step as { runner?: unknown }).runner && handle.name === step.name)
    const info = this.#world.ledger.list().find(isStep)?.info
    await this.#settle()
    const unknown: TaskInfo = {
      name: step.name,
      runner: nameOf(step).slice(0, -step.name.length - 1),
      state: 'running',
      waits: [],
      foreign: false,
      background: false,
      postedAt: '',
    }
    return { ...(info ?? unknown), state: 'running' }
  }

  async #advanceTo(time: number): Promise<void> {
    for (;;) {
      await this.#runUntilIdle()
      const next = this.nextDeadline()
      if (next === undefined || next > time) break
      this.#moveTo(next)
    }
    this.#moveTo(time)
  }

  async #fastForward(until: number, maxTasks: number): Promise<void> {
    const started = this.#counts.total
    for (;;) {
      while (await this.#step()) {
        if (this.#counts.total - started > maxTasks) {
          throw new TaskLimitError(`more than ${maxTasks} steps and tasks remain: ${this.#counts.busiest()}\n${this.describe()}`)
        }
      }
      const next = this.nextDeadline()
      if (next === undefined || next > until || !(this.#world.ledger.hasForeground || this.#sleepers.length > 0)) return
      this.#moveTo(next)
    }
  }

  async #run<T>(body: (env: TestEnvironment) => PromiseLike<T> | T, timeLimit: number): Promise<T> {
    const latest = this.clock.now() + timeLimit
    this.#body = 'running'
    const end = (): void => {
      this.#body = 'ended'
    }
    const outcome = this.#world.io.run(async () => body(this))
    outcome.then(end, end)
    try {
      while (this.#isRunning()) {
        if (await this.#step()) continue
        if (!this.#isRunning()) break
        const next = this.nextDeadline()
        if (next === undefined) await this.#probe()
        else if (next > latest)
          throw new TimeLimitError(`the test did not end within ${timeLimit} ms of virtual time\n${this.describe()}`)
        else this.#moveTo(next)
      }
      const result = await outcome
      await this.#runUntilIdle()
      return result
    } finally {
      this.#body = 'none'
    }
  }

  #isRunning(): boolean {
    return this.#body === 'running'
  }

  /** Everything waits and no timer is set. What moves now is real and was not named; if nothing does it is a deadlock. */
  async #probe(): Promise<void> {
    for (let ms = 0; ms < probeMs; ms += 5) {
      await pause(5)
      if (this.clock.ready.length > 0 || this.nextDeadline() !== undefined || !this.#isRunning()) return
    }
    throw this.#world.deadlock(this.#describeBody())
  }

  #describeBody(): string | undefined {
    if (this.#body !== 'running') return undefined
    const waits = [
      ...this.#sleepers.map(({ due }) => `sleep until t=${due}`),
      ...this.#world.ledger.waitsOf(undefined).map(({ what }) => what),
    ]
    return `test/body: running, awaiting ${waits.length > 0 ? waits.join(', ') : 'something the environment does not know'}`
  }

  /** The commonest way to hang such a test: something waits for virtual time, and nobody drives it. */
  #watchForStall(): void {
    this.#stall?.[Symbol.dispose]()
    if (this.#driving !== undefined || this.nextDeadline() === undefined) return
    this.#stall = realTimer(stallMs, () => {
      if (this.#driving === undefined && this.nextDeadline() !== undefined) {
        console.warn(
          `[posttask] nobody has driven the virtual time for ${stallMs} ms; use runTest, or await env.advanceBy(ms)\n${this.describe()}`,
        )
      }
    })
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
