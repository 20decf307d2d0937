import type { TaskHandle } from '@posttask/core'
import { LivelockError, ReentrantAdvanceError, TaskLimitError, TimeLimitError } from './errors.ts'
import { ForeignMoves } from './foreign-moves.ts'
import { pause } from './host.ts'
import { IoScope } from './io-scope.ts'
import { nameOf } from './journal.ts'
import type { WorkReport } from './real-work.ts'
import type { checkedLimits } from './run-limits.ts'
import { Sleepers } from './sleepers.ts'
import { StallWarning } from './stall-warning.ts'
import { StepCounts } from './step-counts.ts'
import type { PendingTask, TaskInfo } from './task-ledger.ts'
import { VirtualWorld, type WorldOptions } from './virtual-world.ts'

/** Options of a test environment. */
export interface TestEnvironmentOptions extends WorldOptions {
  /** Time that would move while a task waits for something unknown is an error. Default false. */
  readonly strict?: boolean | undefined
  /** The most steps at one instant before it is a livelock. Default 10,000. */
  readonly maxTasksPerInstant?: number | undefined
}

type Limits = ReturnType<typeof checkedLimits>

const probeMs = 50

/**
 * Moves virtual time: step by step, and only when everything that can go on without it has gone on. One call at a time
 * drives; each of the others here is made within one.
 */
export class TimeDriver {
  readonly #world: VirtualWorld
  readonly #options: TestEnvironmentOptions
  readonly #counts = new StepCounts()
  readonly #foreign: ForeignMoves
  readonly #sleepers = new Sleepers()
  #driving: string | undefined
  #body: 'none' | 'running' | 'ended' = 'none'
  readonly #stall: StallWarning
  #lastStep: TaskHandle | undefined

  constructor(options: TestEnvironmentOptions) {
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
      onPost: () => this.#stall.watch(),
      onTimer: () => this.#counts.addTimer(),
      explainTimeout: () => this.#foreign.explain(),
    })
    this.#foreign = new ForeignMoves(this.#world.ledger, options.strict ?? false)
    this.#stall = new StallWarning(
      () => this.#isUndriven || (this.#driving === undefined && this.nextDeadline() !== undefined),
      () => this.describe(),
    )
  }

  get world(): VirtualWorld {
    return this.#world
  }

  /** When something next falls due. */
  nextDeadline(): number | undefined {
    const timer = this.#world.clock.nextDeadline()
    const sleeper = this.#sleepers.nextDue
    return timer === undefined || (sleeper !== undefined && sleeper < timer) ? sleeper : timer
  }

  /** What is pending and why, as text for a failing test. */
  describe(): string {
    const moves = this.#foreign.describe()
    const notes = [
      ...(moves === undefined ? [] : [moves]),
      ...(this.#isUndriven
        ? ['nothing drives this environment: await env.run(body), env.runUntilIdle() or env.advanceBy(ms); or use runTest']
        : []),
    ]
    return [this.#world.describe(this.#describeBody()), ...notes].join('\n  ')
  }

  /** Something could run now, and no call is under way that would run it. */
  get #isUndriven(): boolean {
    return (
      this.#driving === undefined && this.#world.clock.ready.some(({ kind }) => kind !== 'turn') && this.#world.ledger.isPending
    )
  }

  /** Wakes last at its instant. */
  sleep(ms: number): Promise<void> {
    const sleep = this.#sleepers.add(this.#world.clock.now() + ms)
    this.#stall.watch()
    return sleep
  }

  /** Drops everything. A task that does not end although it was aborted is left behind. */
  async discard(): Promise<void> {
    this.#stall.cancel()
    this.#sleepers.clear()
    this.#world.discard()
    if (this.#driving !== undefined) return
    await this.drive('discard', () => this.runUntilIdle()).catch(() => {})
    this.#stall.cancel()
  }

  refuseReentry(call: string): void {
    if (this.#driving === undefined) return
    throw new ReentrantAdvanceError(
      `${call}() was called while ${this.#driving}() drives the time; in a task use context.sleep(ms), in the body of a test that drives itself env.sleep(ms)`,
    )
  }

  async drive<T>(call: string, body: () => Promise<T>): Promise<T> {
    this.refuseReentry(call)
    this.#driving = call
    this.#stall.cancel()
    this.#counts.startInstant()
    try {
      return await IoScope.outside(body)
    } finally {
      this.#driving = undefined
      this.#stall.watch()
    }
  }

  #settle(): Promise<void> {
    return this.#world.work.settle(
      () => this.#world.ledger.hasForeignWait || (this.#body === 'running' && !this.#bodyWaitIsKnown),
      () => this.#report(),
    )
  }

  get #bodyWaitIsKnown(): boolean {
    return !this.#sleepers.isEmpty || this.#world.ledger.waitsOf(undefined).length > 0
  }

  /** Runs what is ready, or wakes the body where nothing else is left at this instant. False where nothing did. */
  async #step(): Promise<boolean> {
    await this.#settle()
    if (this.#world.clock.ready.length > 0) this.#runEntry()
    else if (this.#sleepers.wakeDue(this.#world.clock.now())) this.#world.note('test', 'wakes')
    else return false
    return true
  }

  #runEntry(): void {
    const limit = this.#options.maxTasksPerInstant ?? 10_000
    if (this.#counts.addStep() > limit) {
      throw new LivelockError(
        `livelock: more than ${limit} steps at t=${this.#world.clock.now()}: ${this.#counts.busiest()}\n${this.describe()}`,
        this.#pendingNames(),
      )
    }
    try {
      this.#world.clock.runNext()
    } catch (error) {
      // Only a raw timer of the code under test can throw here.
      this.#world.failures.push(error)
    }
  }

  #moveTo(time: number): void {
    if (time > this.#world.clock.now()) {
      this.#foreign.note(() => this.#report())
      this.#counts.startInstant()
    }
    this.#world.clock.moveTo(Math.max(time, this.#world.clock.now()))
  }

  async runUntilIdle(): Promise<void> {
    while (await this.#step());
  }

  async runNext(): Promise<TaskInfo | undefined> {
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

  async advanceTo(time: number): Promise<void> {
    for (;;) {
      await this.runUntilIdle()
      const next = this.nextDeadline()
      if (next === undefined || next > time) break
      this.#moveTo(next)
    }
    this.#moveTo(time)
  }

  async fastForward(until: number, maxTasks: number): Promise<void> {
    const started = this.#counts.total
    for (;;) {
      while (await this.#step()) {
        if (this.#counts.total - started > maxTasks) {
          throw new TaskLimitError(
            `more than ${maxTasks} steps and tasks remain: ${this.#counts.busiest()}\n${this.describe()}`,
            this.#pendingNames(),
          )
        }
      }
      const next = this.nextDeadline()
      if (next === undefined || next > until || !(this.#world.ledger.hasForeground || !this.#sleepers.isEmpty)) return
      this.#moveTo(next)
    }
  }

  async run<T>(body: () => PromiseLike<T> | T, { timeLimit, stepLimit }: Limits): Promise<T> {
    const latest = this.#world.clock.now() + timeLimit
    const lastStep = this.#counts.total + stepLimit
    this.#body = 'running'
    const end = (): void => {
      this.#body = 'ended'
    }
    const outcome = this.#world.io.run(async () => body())
    outcome.then(end, end)
    try {
      while (this.#isRunning()) {
        const hasStepped = await this.#step()
        if (!this.#isRunning()) break
        if (this.#counts.total > lastStep) {
          throw new TaskLimitError(
            `the test did not end within ${stepLimit} steps; raise stepLimit if it is that long\n${this.describe()}`,
            this.#pendingNames(),
          )
        }
        if (hasStepped) continue
        const next = this.nextDeadline()
        if (next === undefined) await this.#probe()
        else if (next > latest) {
          throw new TimeLimitError(
            `the test did not end within ${timeLimit} ms of virtual time\n${this.describe()}`,
            this.#pendingNames(),
          )
        } else this.#moveTo(next)
      }
      const result = await outcome
      await this.runUntilIdle()
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
      if (this.#world.clock.ready.length > 0 || this.nextDeadline() !== undefined || !this.#isRunning()) return
    }
    throw this.#world.deadlock(this.#describeBody())
  }

  #report(): WorkReport {
    return { text: this.describe(), tasks: this.#pendingNames() }
  }

  #pendingNames(): readonly string[] {
    return this.#world.pendingNames(this.#describeBody())
  }

  #describeBody(): string | undefined {
    if (this.#body !== 'running') return undefined
    const waits = [...this.#sleepers.describe(), ...this.#world.ledger.waitsOf(undefined).map(({ what }) => what)]
    return `test/body: running, awaiting ${waits.length > 0 ? waits.join(', ') : 'something the environment does not know'}`
  }
}
