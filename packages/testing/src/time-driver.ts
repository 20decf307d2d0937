import type { TaskHandle } from '@posttask/core'
import { ForeignWaitError, LivelockError, ReentrantAdvanceError, TaskLimitError, TimeLimitError } from './errors.ts'
import { pause, realTimer } from './host.ts'
import { IoScope } from './io-scope.ts'
import { nameOf } from './journal.ts'
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

/** Who sleeps in the body of a test. */
interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

const probeMs = 50
const stallMs = 1000

/**
 * Moves virtual time: step by step, and only when everything that can go on without it has gone on. One call at a time
 * drives; each of the others here is made within one.
 */
export class TimeDriver {
  readonly #world: VirtualWorld
  readonly #options: TestEnvironmentOptions
  readonly #counts = new StepCounts()
  readonly #foreignMoves = new Set<string>()
  #sleepers: Sleeper[] = []
  #driving: string | undefined
  #body: 'none' | 'running' | 'ended' = 'none'
  #stall: Disposable | undefined
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
    })
  }

  get world(): VirtualWorld {
    return this.#world
  }

  /** When something next falls due. */
  nextDeadline(): number | undefined {
    const timer = this.#world.clock.nextDeadline()
    const sleeper = this.#sleepers[0]?.due
    return timer === undefined || (sleeper !== undefined && sleeper < timer) ? sleeper : timer
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

  /** Wakes last at its instant. */
  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ due: this.#world.clock.now() + ms, wake })
      this.#sleepers.sort((a, b) => a.due - b.due)
      this.watchForStall()
    })
  }

  /** Drops everything. A task that does not end although it was aborted is left behind. */
  async discard(): Promise<void> {
    this.#stall?.[Symbol.dispose]()
    this.#sleepers = []
    this.#world.discard()
    if (this.#driving !== undefined) return
    await this.drive('discard', () => this.runUntilIdle()).catch(() => {})
    this.#stall?.[Symbol.dispose]()
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
    this.#stall?.[Symbol.dispose]()
    this.#counts.startInstant()
    try {
      return await IoScope.outside(body)
    } finally {
      this.#driving = undefined
      this.watchForStall()
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
    if (this.#world.clock.ready.length > 0) this.#runEntry()
    else {
      const sleeper = this.#sleepers[0]
      if (sleeper === undefined || sleeper.due > this.#world.clock.now()) return false
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
        `livelock: more than ${limit} steps at t=${this.#world.clock.now()}: ${this.#counts.busiest()}\n${this.describe()}`,
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
      for (const { runner, name, foreign } of this.#world.ledger.hasForeignWait
        ? this.#world.ledger.list().map(({ info }) => info)
        : []) {
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
          throw new TaskLimitError(`more than ${maxTasks} steps and tasks remain: ${this.#counts.busiest()}\n${this.describe()}`)
        }
      }
      const next = this.nextDeadline()
      if (next === undefined || next > until || !(this.#world.ledger.hasForeground || this.#sleepers.length > 0)) return
      this.#moveTo(next)
    }
  }

  async run<T>(body: () => PromiseLike<T> | T, timeLimit: number): Promise<T> {
    const latest = this.#world.clock.now() + timeLimit
    this.#body = 'running'
    const end = (): void => {
      this.#body = 'ended'
    }
    const outcome = this.#world.io.run(async () => body())
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

  #describeBody(): string | undefined {
    if (this.#body !== 'running') return undefined
    const waits = [
      ...this.#sleepers.map(({ due }) => `sleep until t=${due}`),
      ...this.#world.ledger.waitsOf(undefined).map(({ what }) => what),
    ]
    return `test/body: running, awaiting ${waits.length > 0 ? waits.join(', ') : 'something the environment does not know'}`
  }

  /** The commonest way to hang such a test: something waits for virtual time, and nobody drives it. */
  watchForStall(): void {
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
