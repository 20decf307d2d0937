import type { TaskCandidate, TaskHandle } from '@posttask/core'
import { LivelockError, UncontrolledError } from './errors.ts'
import { ExploreEnvironment, type ExploreSettings } from './explore-environment.ts'
import { pause, realNow } from './host.ts'
import { nameOf } from './journal.ts'
import { createRandom, randomInteger } from './random.ts'
import type { ReducibleStep, SleepSets } from './sleep-sets.ts'
import { startSteps, stopSteps } from './stepper.ts'
import type { Strategy } from './strategy.ts'
import type { ReadyEntry } from './virtual-clock.ts'
import { VirtualWorld } from './virtual-world.ts'

/** One step of a schedule, for the report. */
export interface ScheduleStep {
  readonly time: number
  readonly label: string
  /** Another task could have run on. */
  readonly isPreemption: boolean
  /** How many candidates there were. */
  readonly count: number
}

/** What one schedule came to. */
export interface ScheduleOutcome {
  /** The indices chosen, one for each step with a choice. */
  readonly decisions: readonly number[]
  /** How many candidates each of these had. */
  readonly counts: readonly number[]
  readonly steps: number
  /** Only of a schedule that is recorded. */
  readonly trace: readonly ScheduleStep[]
  readonly failure: { readonly error: unknown } | undefined
  /** It was given up: an equivalent schedule was tried. */
  readonly isPruned: boolean
}

/** How schedules are run. */
export interface ScheduleSettings extends ExploreSettings {
  readonly timerRaces: boolean
  readonly maxSteps: number
  readonly invariant: ((env: ExploreEnvironment) => void) | undefined
  /** Takes the decisions instead of the strategy, and leaves equivalent schedules out. */
  readonly sleepSets?: SleepSets | undefined
}

interface Start {
  readonly run: () => void
  readonly index: number
  readonly candidate: TaskCandidate
}

const probeMs = 25

/** Runs a program once, with a strategy that takes every scheduling decision. */
export class Schedule {
  readonly #strategy: Strategy
  readonly #settings: ScheduleSettings
  readonly #world: VirtualWorld
  readonly #env: ExploreEnvironment
  readonly #decisions: number[] = []
  readonly #counts: number[] = []
  readonly #trace: ScheduleStep[] | undefined
  readonly #starts: Start[] = []
  #others: ReadyEntry[] = []
  #steps = 0
  #last: TaskHandle | undefined
  #pump: (() => void) | undefined
  #isLastPump = false
  #forced: number | undefined
  #chosenStart: Start | undefined
  #chosenEntry: ReadyEntry | undefined
  #isTimerChosen = false
  #isPruned = false
  readonly #ids = new Map<unknown, string>()
  #bodyHasEnded = false
  #failure: { readonly error: unknown } | undefined
  #finish: () => void = () => {}
  readonly #fair = createRandom(7)

  constructor(strategy: Strategy, settings: ScheduleSettings, isRecorded: boolean) {
    this.#strategy = strategy
    this.#settings = settings
    this.#trace = isRecorded ? [] : undefined
    this.#world = new VirtualWorld(settings.world, {
      choose: (candidates) => this.#offer(candidates),
      keepsJournal: false,
      keepsSites: isRecorded,
      tracksIO: false,
      tracksRunner: false,
    })
    this.#env = new ExploreEnvironment(this.#world, settings, {
      choose: (count, label) => this.#pick(count, () => undefined, label),
      current: () => this.#last,
    })
  }

  async run(body: (env: ExploreEnvironment) => PromiseLike<void> | void): Promise<ScheduleOutcome> {
    const fail = (error: unknown): void => {
      this.#failure ??= { error }
    }
    await new Promise<void>((finish) => {
      this.#finish = finish
      const ended = (): void => {
        this.#bodyHasEnded = true
      }
      try {
        const outcome = body(this.#env)
        if (outcome === undefined) ended()
        else outcome.then(ended, fail)
      } catch (error) {
        fail(error)
      }
      startSteps(this.#step)
    })
    return {
      decisions: this.#decisions,
      counts: this.#counts,
      steps: this.#steps,
      trace: this.#trace ?? [],
      failure: this.#failure,
      isPruned: this.#isPruned,
    }
  }

  readonly #step = (): void => {
    try {
      if (this.#mayGoOn()) return
    } catch (error) {
      this.#failure ??= { error }
    }
    stopSteps()
    this.#finish()
  }

  /** Takes one step. False at the end. */
  #mayGoOn(): boolean {
    this.#failure ??= this.#world.failures.length > 0 ? { error: this.#world.failures[0] } : undefined
    if (this.#failure !== undefined) return false
    this.#settings.invariant?.(this.#env)
    const { clock } = this.#world
    for (;;) {
      if (this.#isPruned) return false
      if (this.#choose()) {
        if (++this.#steps > this.#settings.maxSteps)
          throw new LivelockError(
            `livelock: more than ${this.#settings.maxSteps} steps\n${this.#world.describe()}`,
            this.#world.pendingNames(),
          )
        return true
      }
      if (this.#bodyHasEnded || this.#isPruned) return false
      const next = clock.nextDeadline()
      if (next === undefined) {
        stopSteps()
        void this.#probe()
        return true
      }
      clock.moveTo(next)
    }
  }

  /** Everything waits. What moves now is real, so this schedule cannot be repeated; if nothing does it is a deadlock. */
  async #probe(): Promise<void> {
    const isStill = (): boolean =>
      this.#world.clock.ready.length === 0 &&
      this.#world.clock.nextDeadline() === undefined &&
      !this.#bodyHasEnded &&
      this.#failure === undefined
    for (let ms = 0; ms < probeMs && isStill(); ms += 5) await pause(5)
    const start = realNow()
    while (this.#world.work.isOpen && isStill()) {
      await pause(1)
      try {
        this.#world.work.checkTime(start, () => ({ text: this.#world.describe(), tasks: this.#world.pendingNames() }))
      } catch (error) {
        this.#failure ??= { error }
      }
    }
    if (isStill()) this.#failure = { error: this.#world.deadlock('test/body: running') }
    else if (!this.#env.usesRealWork && this.#failure === undefined) {
      this.#failure = {
        error: new UncontrolledError(
          'something went on that the explorer does not control: real time or real I/O. Put it behind env.service() or env.external()',
        ),
      }
    }
    startSteps(this.#step)
  }

  /** Lets one candidate go on. False where there is none. */
  #choose(): boolean {
    const { clock } = this.#world
    this.#starts.length = 0
    this.#chosenStart = undefined
    this.#chosenEntry = undefined
    this.#isTimerChosen = false
    let pumps = 0
    for (const { kind } of clock.ready) if (kind === 'pump') pumps++
    let isDecided = false
    for (let index = 0; pumps > 0; ) {
      const entry = clock.ready[index] as ReadyEntry
      if (entry.kind !== 'pump') {
        index++
        continue
      }
      clock.take(index)
      this.#pump = entry.run
      this.#isLastPump = --pumps === 0
      entry.run()
      isDecided = this.#chosenStart !== undefined || this.#chosenEntry !== undefined || this.#isTimerChosen
    }
    if (!isDecided && !this.#decide()) return false
    this.#runChosen()
    return true
  }

  #runChosen(): void {
    const { clock } = this.#world
    if (this.#isTimerChosen) clock.moveTo(clock.nextDeadline() as number)
    else if (this.#chosenEntry !== undefined) {
      clock.take(clock.ready.indexOf(this.#chosenEntry))
      this.#chosenEntry.run()
    } else if (this.#chosenStart !== undefined && this.#chosenStart.run !== this.#pump) {
      const { run, index } = this.#chosenStart
      clock.take(clock.ready.findIndex((entry) => entry.run === run))
      this.#forced = index
      run()
    }
  }

  /** A pool says what it could start. */
  #offer(candidates: readonly TaskCandidate[]): number {
    if (this.#forced !== undefined) {
      const forced = this.#forced
      this.#forced = undefined
      return forced
    }
    const run = this.#pump as () => void
    for (let index = 0; index < candidates.length; index++)
      this.#starts.push({ run, index, candidate: candidates[index] as TaskCandidate })
    if (!this.#isLastPump) return -1
    this.#decide()
    const start: Start | undefined = this.#chosenStart
    if (start?.run === run) return start.index
    return -1
  }

  /** Chooses among everything that could go on: the task that ran last first, then starts, then the oldest. */
  #decide(): boolean {
    const { clock } = this.#world
    const { timerRaces } = this.#settings
    const starts = this.#starts
    const others = clock.ready as ReadyEntry[]
    this.#others = others.some(({ kind }) => kind === 'pump') ? others.filter(({ kind }) => kind !== 'pump') : others
    const mayRace = timerRaces && clock.nextDeadline() !== undefined && starts.length + this.#others.length > 0
    const count = starts.length + this.#others.length + (mayRace ? 1 : 0)
    if (count === 0) return false
    const last = this.#last === undefined ? -1 : this.#others.findIndex(({ task }) => task === this.#last)
    const chosen =
      this.#settings.sleepSets !== undefined
        ? this.#reduce(count, last)
        : count === 1
          ? 0
          : this.#pick(count, (index) => this.#keyOf(index, last))
    if (chosen === -1) {
      this.#isPruned = true
      return false
    }
    if (mayRace && chosen === count - 1) {
      this.#isTimerChosen = true
      this.#note('the clock overtakes', true, count)
      return true
    }
    const found = this.#candidateAt(chosen, last)
    if ('candidate' in found) {
      this.#chosenStart = found
      this.#last = found.candidate.task
      if (this.#trace !== undefined) this.#note(labelOf(found.candidate), chosen > 0 && last !== -1, count)
    } else {
      this.#chosenEntry = found
      this.#last = found.task ?? this.#last
      if (this.#trace !== undefined)
        this.#note(
          `${found.task === undefined ? 'test' : nameOf(found.task)}  ${found.what ?? found.kind}`,
          chosen > 0 && last !== -1,
          count,
        )
    }
    return true
  }

  /** As {@link #pick}, through the sleep sets: they see every step, one with a single candidate too. */
  #reduce(count: number, last: number): number {
    const chosen = this.#settings.sleepSets?.choose(Array.from({ length: count }, (_, index) => this.#stepAt(index, last))) ?? 0
    if (count > 1 && chosen !== -1) this.#record(chosen, count)
    return chosen
  }

  #stepAt(index: number, last: number): ReducibleStep {
    if (index >= this.#starts.length + this.#others.length) return { id: 'clock', access: undefined }
    const found = this.#candidateAt(index, last)
    const key = 'candidate' in found ? found.candidate.task : found
    let id = this.#ids.get(key)
    if (id === undefined) this.#ids.set(key, (id = String(this.#ids.size)))
    return { id, access: 'candidate' in found ? undefined : found.access }
  }

  #candidateAt(index: number, last: number): Start | ReadyEntry {
    let rest = index
    if (last !== -1) {
      if (rest === 0) return this.#others[last] as ReadyEntry
      rest--
    }
    if (rest < this.#starts.length) return this.#starts[rest] as Start
    rest -= this.#starts.length
    return this.#others[last !== -1 && rest >= last ? rest + 1 : rest] as ReadyEntry
  }

  #keyOf(index: number, last: number): unknown {
    if (index >= this.#starts.length + this.#others.length) return this
    const found = this.#candidateAt(index, last)
    return 'candidate' in found ? found.candidate.task : (found.task ?? found)
  }

  #pick(count: number, keyOf: (index: number) => unknown, label?: string): number {
    if (this.#settings.sleepSets !== undefined)
      throw new TypeError(`${label ?? 'a choice'}: reduction does not go with env.choose and env.fault`)
    // A strategy that is unfair would take a loop that polls for a livelock.
    const isLate = this.#steps > this.#settings.maxSteps / 2
    const chosen =
      isLate && this.#strategy.name !== 'replay' ? randomInteger(this.#fair, count) : this.#strategy.choose(count, keyOf)
    this.#record(chosen, count)
    if (label !== undefined) this.#note(`${label} -> ${chosen}`, false, count)
    return chosen
  }

  #record(chosen: number, count: number): void {
    this.#decisions.push(chosen)
    this.#counts.push(count)
  }

  #note(label: string, isPreemption: boolean, count: number): void {
    this.#trace?.push({ time: this.#world.clock.now(), label, isPreemption, count })
  }
}

const labelOf = ({ runner, name, isResumption }: TaskCandidate): string =>
  `${runner.name}/${name}  ${isResumption ? 'after yield' : 'start'}`
