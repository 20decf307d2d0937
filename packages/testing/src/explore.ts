import { Corpus } from './corpus.ts'
import { UncontrolledError } from './errors.ts'
import type { ExploreEnvironment } from './explore-environment.ts'
import { failsAlike, maskedText } from './fails-alike.ts'
import { environmentVariable } from './host.ts'
import { parseDecisions, RaceError, trimmed } from './race-error.ts'
import { seedOf } from './random.ts'
import { Schedule, type ScheduleOutcome, type ScheduleSettings } from './schedule.ts'
import { shrink } from './shrink.ts'
import { SleepSets } from './sleep-sets.ts'
import { mixedStrategy, replayStrategy, type Strategy } from './strategy.ts'
import type { WorldOptions } from './virtual-world.ts'

/** Options of {@link explore}. */
export interface ExploreOptions extends WorldOptions {
  /** Failing schedules are kept under this name and run first next time; the seed is made from it. Default: neither. */
  readonly name?: string | undefined
  /** Where they are kept. Default `__explore__`. */
  readonly corpus?: string | undefined
  /** How many schedules to try, `POSTTASK_SCHEDULES` times as many in a nightly run. Default 1000. */
  readonly seeds?: number | undefined
  /** Every schedule instead of some: for small programs. With `maxDelays` every one of so few deviations. */
  readonly exhaustive?: boolean | { readonly maxDelays?: number | undefined } | undefined
  /**
   * `labels`: an exhaustive search leaves out schedules that only swap steps which touch different cells and services.
   * Sound only if tasks share nothing else. Without `maxDelays`, `timerRaces`, faults and choices. Default `none`.
   */
  readonly reduction?: 'none' | 'labels' | undefined
  /** The most schedules of an exhaustive search. Default 100,000. */
  readonly maxSchedules?: number | undefined
  /** One schedule, as a failure printed it. `POSTTASK_REPLAY` does the same. */
  readonly replay?: string | readonly number[] | undefined
  /** Strategies for the seeds instead of the mix. */
  readonly strategy?: ((number: number, length: number) => Strategy) | undefined
  /** Timers may overtake what is ready, which finds timeouts that race with completions. Default false. */
  readonly timerRaces?: boolean | undefined
  /** Scheduling points of a service call. With requests alone stale answers are missed. Default `both`. */
  readonly points?: 'both' | 'request' | undefined
  /** The most steps of a schedule before it is a livelock. Default 10,000. */
  readonly maxSteps?: number | undefined
  /** Checked after every step; fails by throwing. */
  readonly invariant?: ((env: ExploreEnvironment) => void) | undefined
  /**
   * Whether a smaller schedule fails in the same way. Default: the same class and message, numbers aside; of a
   * `TestEnvironmentError`, such as a deadlock, the same `code` and `tasks`.
   */
  readonly sameFailure?: ((a: unknown, b: unknown) => boolean) | undefined
}

/** What an exploration that found nothing did. */
export interface ExploreReport {
  readonly schedules: number
  /** How many of them were different. */
  readonly distinct: number
  /** Every schedule was tried. */
  readonly complete: boolean
  /** The longest schedule, in steps. */
  readonly maxSteps: number
  /** How often each `env.sometimes` was true. */
  readonly sometimes: Readonly<Record<string, number>>
}

/** The part of the schedules that goes to those with one deviation. */
const oneDelayShare = 0.25

type Body = (env: ExploreEnvironment) => PromiseLike<void> | void

/**
 * Runs `body` under many schedules, and throws the smallest one under which it fails. Every decision is one integer;
 * candidates are only what the library could run next, so every guarantee of the rules holds in all of them.
 *
 * First FIFO, twice, to see that the program depends on nothing else; then every schedule with one deviation; then
 * seeds, a third each random, PCT and delay bounding. `exhaustive` tries every schedule instead.
 *
 * ```ts
 * await explore(async (env) => {
 *   const counter = env.cell('counter', 0)
 *   const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
 *   await Promise.all([1, 2].map(() => runner.run(async () => counter.set((await counter.get()) + 1))))
 *   expect(await counter.get()).toBe(2)
 * })
 * ```
 *
 * @throws RaceError with the schedule, its trace, and the line that replays it; UncontrolledError when a schedule
 * cannot be repeated
 */
export const explore = async (body: Body, options: ExploreOptions = {}): Promise<ExploreReport> =>
  new Exploration(body, options).run()

class Exploration {
  readonly #body: Body
  readonly #options: ExploreOptions
  readonly #settings: ScheduleSettings
  readonly #corpus: Corpus
  readonly #seen = new Set<string>()
  readonly #sometimes = new Map<string, number>()
  #schedules = 0
  #maxSteps = 0

  constructor(body: Body, options: ExploreOptions) {
    this.#body = body
    this.#options = options
    const isBounded = typeof options.exhaustive === 'object' && options.exhaustive.maxDelays !== undefined
    if (options.reduction === 'labels' && (options.exhaustive === undefined || isBounded || options.timerRaces)) {
      throw new TypeError("reduction: 'labels' goes with exhaustive: true, without maxDelays and timerRaces")
    }
    this.#corpus = new Corpus(options.corpus ?? '__explore__', options.name)
    this.#settings = {
      world: options,
      points: options.points ?? 'both',
      timerRaces: options.timerRaces ?? false,
      maxSteps: options.maxSteps ?? 10_000,
      invariant: options.invariant,
      sometimes: this.#sometimes,
    }
  }

  async run(): Promise<ExploreReport> {
    const replay = this.#options.replay ?? environmentVariable('POSTTASK_REPLAY')
    if (replay !== undefined) {
      await this.#try(replayStrategy(typeof replay === 'string' ? parseDecisions(replay) : replay))
      return this.#report(false)
    }
    for (const decisions of this.#corpus.load()) await this.#try(replayStrategy(decisions), 'a kept schedule')
    const fifo = await this.#tryTwice()
    const complete = await this.#search(fifo)
    const never = [...this.#sometimes].filter(([, count]) => count === 0).map(([name]) => name)
    if (never.length > 0) throw new Error(`never true in ${this.#schedules} schedules: ${never.join(', ')}`)
    return this.#report(complete)
  }

  async #once(strategy: Strategy, isRecorded = false): Promise<ScheduleOutcome> {
    const outcome = await new Schedule(strategy, this.#settings, isRecorded).run(this.#body)
    this.#maxSteps = Math.max(this.#maxSteps, outcome.steps)
    return outcome
  }

  /** Runs one schedule that counts. Throws where the program fails. */
  async #try(strategy: Strategy, how = strategy.name): Promise<ScheduleOutcome> {
    const outcome = await this.#once(strategy)
    this.#schedules++
    if (outcome.failure !== undefined) await this.#fail(outcome, outcome.failure.error, how)
    return outcome
  }

  /** The first schedule, twice: a difference comes from something that the explorer does not control. */
  async #tryTwice(): Promise<ScheduleOutcome> {
    const first = await this.#once(replayStrategy([]), true)
    const second = await this.#once(replayStrategy([]), true)
    const step = first.trace.findIndex(
      ({ label, count }, index) => label !== second.trace[index]?.label || count !== second.trace[index]?.count,
    )
    if (step !== -1 || first.trace.length !== second.trace.length) {
      const at = step === -1 ? first.trace.length : step
      throw new UncontrolledError(
        `the same schedule went two ways at step ${at + 1}: "${first.trace[at]?.label ?? 'end'}" and "${second.trace[at]?.label ?? 'end'}". Look for Math.random, real time, or state that one run leaves to the next`,
      )
    }
    this.#schedules++
    this.#seen.add('')
    if (first.failure !== undefined) await this.#fail(first, first.failure.error, 'FIFO')
    return first
  }

  #search(fifo: ScheduleOutcome): Promise<boolean> {
    if (!this.#options.exhaustive) return this.#sample(fifo)
    return this.#options.reduction === 'labels' ? this.#exhaustReduced() : this.#exhaust(fifo)
  }

  async #exhaustReduced(): Promise<boolean> {
    const maxSchedules = this.#options.maxSchedules ?? 100_000
    const sleepSets = new SleepSets()
    this.#schedules = 0
    do {
      if (this.#schedules >= maxSchedules) return false
      const outcome = await new Schedule(replayStrategy([]), { ...this.#settings, sleepSets }, false).run(this.#body)
      this.#maxSteps = Math.max(this.#maxSteps, outcome.steps)
      if (!outcome.isPruned) this.#schedules++
      if (outcome.failure !== undefined) await this.#fail(outcome, outcome.failure.error, 'reduced exhaustive search')
    } while (sleepSets.advance())
    return true
  }

  async #exhaust(fifo: ScheduleOutcome): Promise<boolean> {
    const { exhaustive } = this.#options
    const maxDelays = (typeof exhaustive === 'object' ? exhaustive.maxDelays : undefined) ?? Number.POSITIVE_INFINITY
    const maxSchedules = this.#options.maxSchedules ?? 100_000
    let last = fifo
    for (;;) {
      const next = following(last, maxDelays)
      if (next === undefined) return maxDelays === Number.POSITIVE_INFINITY
      if (this.#schedules >= maxSchedules) return false
      last = await this.#try(replayStrategy(next), 'exhaustive search')
    }
  }

  async #sample(fifo: ScheduleOutcome): Promise<boolean> {
    const budget = (this.#options.seeds ?? 1000) * Number(environmentVariable('POSTTASK_SCHEDULES') ?? 1)
    for (let position = 0; position < fifo.counts.length; position++) {
      for (let index = 1; index < (fifo.counts[position] as number); index++) {
        if (this.#schedules > budget * oneDelayShare) break
        this.#count(await this.#try(replayStrategy([...new Array<number>(position).fill(0), index]), 'one deviation'))
      }
    }
    const seed = Number(environmentVariable('POSTTASK_SEED') ?? this.#options.seed ?? seedOf(this.#options.name ?? ''))
    // Steps, not decisions: when tasks interleave, most steps are decisions.
    const length = Math.max(1, fifo.steps)
    const strategyOf = this.#options.strategy ?? ((number: number) => mixedStrategy(seed, number, length))
    for (let number = 0; this.#schedules < budget; number++) this.#count(await this.#try(strategyOf(number, length)))
    return false
  }

  #count({ decisions }: ScheduleOutcome): void {
    this.#seen.add(trimmed(decisions).join('.'))
  }

  async #fail(outcome: ScheduleOutcome, error: unknown, how: string): Promise<never> {
    const same = this.#options.sameFailure ?? failsAlike
    const alike = async (decisions: readonly number[]): Promise<boolean> => {
      const { failure } = await this.#once(replayStrategy(decisions))
      return failure !== undefined && same(error, failure.error)
    }
    if (!(await alike(outcome.decisions))) {
      throw new UncontrolledError(
        `a schedule failed once and not again: ${maskedText(error)}. Look for Math.random, real time, or state that one run leaves to the next`,
        { cause: error },
      )
    }
    const { decisions, runs } = await shrink(outcome.decisions, alike)
    const minimal = await this.#once(replayStrategy(decisions), true)
    this.#corpus.save(decisions)
    const preemptions = minimal.trace.filter(({ isPreemption }) => isPreemption).length
    const summary = `found by ${how} after ${this.#schedules} schedule(s); minimised in ${runs} re-runs to ${preemptions} pre-emption(s)`
    throw new RaceError(summary, minimal.failure?.error ?? error, outcome.decisions, decisions, minimal.trace)
  }

  #report(complete: boolean): ExploreReport {
    const distinct = this.#options.exhaustive ? this.#schedules : this.#seen.size
    return {
      schedules: this.#schedules,
      distinct,
      complete,
      maxSteps: this.#maxSteps,
      sometimes: Object.fromEntries(this.#sometimes),
    }
  }
}

/** The next list of an odometer over all decisions; undefined after the last. */
const following = ({ decisions, counts }: ScheduleOutcome, maxDelays: number): readonly number[] | undefined => {
  let delays = decisions.reduce((sum, index) => sum + index, 0)
  for (let position = decisions.length - 1; position >= 0; position--) {
    const index = decisions[position] as number
    if (index + 1 < (counts[position] as number) && delays < maxDelays) return [...decisions.slice(0, position), index + 1]
    delays -= index
  }
  return undefined
}
