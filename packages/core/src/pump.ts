import { captureAsyncContext, neutralContext, runNeutral } from './async-context.ts'
import type { Clock } from './clock.ts'
import type { HostTurn } from './host-turn.ts'
import { type Available, needsBestEffortSlot, needsSlot, needsThread, needsThreadForBestEffort } from './need.ts'
import type { ReadyEntry } from './ready-list.ts'
import { firstOf, ReadyQueue } from './ready-queue.ts'
import { countsAsBestEffort, queued, type TaskRecord } from './task-record.ts'
import type { TaskCandidate, TestSeam } from './test-seam.ts'
import { bestEffort } from './traits.ts'

/** Settings of a pump, checked. */
export interface PumpOptions {
  readonly slots: number
  readonly agingMs: number
  readonly maxBestEffort: number
  readonly turnBudgetMs: number
  /** Run in no poster's async context: tasks bring none of their own (E4). */
  readonly isNeutral: boolean
}

const settled: Promise<void> = Promise.resolve()

const idle = 0
const scheduled = 1
/** As scheduled, and comes as soon as the failures that are on their way have arrived. */
const held = 2
const pumping = 3

const longestStride = 16

/** What a best-effort fence holds. */
const bestEffortNeeds = (1 << needsBestEffortSlot) | (1 << needsThreadForBestEffort)

/**
 * Starts what is ready while slots are free, one task of one runner at a time. It runs in microtasks, and hands the
 * event loop back when its slice of the turn is used up (E1).
 */
export class Pump {
  readonly ready: ReadyQueue
  /** Slots in use, and those in use by best-effort tasks. */
  active = 0
  activeBestEffort = 0
  /** False where best-effort tasks may take every slot: then nobody counts them. */
  readonly limitsBestEffort: boolean
  /** The time as of the last look at the clock: at the start of each slice, and every few tasks. */
  now: number

  readonly #clock: Clock
  readonly #turn: HostTurn
  readonly #seam: TestSeam | undefined
  readonly #options: PumpOptions
  /** Set where the clock drives the pump: then each call starts one task at the most. */
  readonly #isDriven: boolean
  #state: typeof idle | typeof scheduled | typeof held | typeof pumping = idle
  /** What has to pass before the next start: the microtasks of whoever was told an outcome (E2), or a turn (E1). */
  #breath: 'none' | 'microtask' | 'turn' = 'none'
  /** Failures that are on their way to who awaits them. */
  #telling = 0
  #comesInContext = false
  /** The task whose post woke the pump up, until the pump has come. */
  #adopted: TaskRecord | undefined
  #fences = 0
  #bestEffortFences = 0
  #isStopped = false

  #sliceStart = 0
  #stride = 1
  #untilLook = 1
  #lastLook = 0

  constructor(clock: Clock, turn: HostTurn, options: PumpOptions) {
    this.#clock = clock
    this.#turn = turn
    this.#seam = clock.seam
    this.#isDriven = clock.nextPump !== undefined
    this.#options = options
    this.limitsBestEffort = options.maxBestEffort < options.slots
    this.ready = new ReadyQueue(options.agingMs)
    this.now = clock.now()
  }

  /** Tells whether `entry` could start something now. To be called whenever that may have changed. */
  update(entry: ReadyEntry, canStart: boolean): void {
    if (canStart) {
      this.ready.join(entry)
      this.schedule()
    } else {
      this.ready.leave(entry)
      this.stayAlive()
    }
  }

  /** The time for what begins to wait in a runner. The clock is read only if the pump may have been at rest for long. */
  get waitingSince(): number {
    const isKnown = this.#state === pumping || (this.#state !== idle && !this.#isDriven)
    if (!isKnown) this.now = this.#clock.now()
    return this.now
  }

  get isIdle(): boolean {
    return this.#state === idle
  }

  /**
   * To be called by the post that woke the pump up, in the same breath. True where the pump will come in the async
   * context of that post: the task then has the right context as it is (E4).
   */
  adopt(record: TaskRecord): boolean {
    if (this.#state !== scheduled || !this.#comesInContext || record.code !== queued) return false
    this.#adopted = record
    return true
  }

  schedule(): void {
    if (this.#state !== idle || this.#isStopped) return
    this.#state = scheduled
    const needsTurn = this.#breath === 'turn'
    this.#comesInContext = !this.#isDriven && !needsTurn && this.#telling === 0
    if (!this.#isDriven && !needsTurn && this.#telling > 0) {
      // It keeps its breath: a success may just have been told, and the last of the failures in the next microtask.
      this.#state = held
      return
    }
    this.#breath = 'none'
    if (this.#comesInContext) void settled.then(this.#enter)
    else if (this.#isDriven) this.#clock.nextPump?.(this.#enter)
    else runNeutral(() => this.#clock.nextTurn(this.#enter))
  }

  /** A promise was told an outcome: who awaits it goes on before the next task starts (E2). */
  breathe(): void {
    if (this.#breath === 'none') this.#breath = 'microtask'
  }

  /** Nothing starts before the event loop has had its turn. */
  awaitTurn(): void {
    this.#breath = 'turn'
  }

  /** A failure is told, which takes several microtasks: nothing starts until `told` was called as often as this (E2). */
  tell(): void {
    this.#telling++
  }

  readonly told = (): void => {
    this.#telling--
    if (this.#telling === 0 && this.#state === held) this.#enter()
  }

  /** Takes a slot for a task that starts. */
  occupy(record: TaskRecord, startLevel: number): void {
    if (startLevel === bestEffort && this.limitsBestEffort) {
      record.bits |= countsAsBestEffort
      this.activeBestEffort++
    }
    this.active++
  }

  vacate(record: TaskRecord): void {
    this.active--
    if (record.has(countsAsBestEffort)) {
      record.bits &= ~countsAsBestEffort
      this.activeBestEffort--
    }
    // What waits for a slot need not be of the runner that gives this one up.
    if (this.#state === idle && this.#next() !== undefined) this.schedule()
  }

  /** Nothing new starts until the fence is lifted; a best-effort fence holds best-effort tasks only. */
  fence(onlyBestEffort: boolean): Disposable {
    let isUp = true
    const count = (by: number): void => {
      if (onlyBestEffort) this.#bestEffortFences += by
      else this.#fences += by
    }
    count(1)
    return {
      [Symbol.dispose]: () => {
        if (!isUp) return
        isUp = false
        count(-1)
        this.schedule()
      },
    }
  }

  /** A best-effort task would have to wait, for a slot of its kind or behind a fence (P5). */
  get holdsBestEffort(): boolean {
    return this.#bestEffortFences > 0 || (this.limitsBestEffort && this.activeBestEffort >= this.#options.maxBestEffort)
  }

  /** Nothing may start. */
  get isFenced(): boolean {
    return this.#fences > 0
  }

  /** A pool that closes must not wait for whoever put up a fence. */
  liftFences(): void {
    this.#fences = this.#bestEffortFences = Number.NEGATIVE_INFINITY
    this.schedule()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** For what is retained without anything to pump: a delayed task. */
  stayAlive(): void {
    if (this.#state === idle) this.#rest()
  }

  readonly #enter = (): void => {
    if (this.#options.isNeutral && neutralContext !== undefined) neutralContext.runInAsyncScope(this.#run, undefined)
    else this.#run()
  }

  readonly #run = (): void => {
    if (this.#isStopped) return
    this.#state = pumping
    let started = true
    try {
      if (this.#isDriven || !this.#turn.isWatched) this.#startSlice()
      if (this.#isDriven) started = this.#startOne()
      // An outcome was told since this was scheduled: who awaits it goes on first (E2).
      else if (this.#breath === 'none') started = this.#startMany()
    } finally {
      if (this.#adopted !== undefined) this.#releaseAdopted()
      this.#state = idle
      if (started) this.schedule()
      else this.#rest()
    }
  }

  /** Its turn did not come: the next time the pump may come in another context. */
  #releaseAdopted(): void {
    const record = this.#adopted as TaskRecord
    this.#adopted = undefined
    if (record.code === queued) record.scope = captureAsyncContext()
  }

  /** True where the pump has to come again. */
  #startMany(): boolean {
    for (;;) {
      if (this.#untilLook-- <= 0 && this.#sliceIsOver()) {
        this.#breath = 'turn'
        return true
      }
      const entry = this.#next()
      if (entry === undefined) return false
      entry.start()
      // Nobody else is ready: whoever posts next starts the pump anew.
      if (this.#breath !== 'none') return this.#next() !== undefined
    }
  }

  #startOne(): boolean {
    const choose = this.#seam?.choose?.bind(this.#seam)
    if (choose === undefined) {
      const entry = this.#next()
      entry?.start()
      return entry !== undefined
    }
    const candidates: { readonly entry: ReadyEntry; readonly candidate: TaskCandidate; readonly record: TaskRecord }[] = []
    if (this.#next() === undefined) return false
    for (const entry of this.#candidates()) {
      for (const record of entry.offers(this.freeSlots)) {
        const { isResumption } = entry
        candidates.push({ entry, record, candidate: { runner: record.runner, task: record, name: record.name, isResumption } })
      }
    }
    const chosen = candidates[choose(candidates.map(({ candidate }) => candidate))]
    chosen?.entry.start(chosen.record)
    return true
  }

  get freeSlots(): number {
    return this.#options.slots - this.active
  }

  /** Who is next, for the slot of a batch that is being made. */
  get nextToShare(): ReadyEntry | undefined {
    const entry = this.#hasFences ? undefined : this.ready.first(this.#available(true))
    return entry?.isDedicated ? undefined : entry
  }

  get #hasFreeSlot(): boolean {
    return this.active < this.#options.slots
  }

  get #hasFences(): boolean {
    return this.#fences > 0 || this.#bestEffortFences > 0
  }

  #next(): ReadyEntry | undefined {
    const available = this.#available(this.#hasFreeSlot)
    if (!this.#hasFences) return this.ready.first(available)
    const next = this.isFenced ? undefined : this.ready.first(available & ~bestEffortNeeds)
    return firstOf(next, this.ready.firstResumption(available))
  }

  /** All that could be next, for a test that chooses. What goes on was let in before there was a fence. */
  #candidates(): readonly ReadyEntry[] {
    const next = this.#next()
    const available = this.#available(this.#hasFreeSlot)
    if (!this.#hasFences) return this.ready.candidates(available)
    if (next === undefined || next.isResumption) return next === undefined ? [] : [next]
    return this.ready.candidates(available & ~bestEffortNeeds)
  }

  /** What could start, fences left out. */
  #available(slotIsFree: boolean): Available {
    const threads = (1 << needsThread) | (1 << needsThreadForBestEffort)
    if (!slotIsFree) return threads
    const isLimited = this.limitsBestEffort && this.activeBestEffort >= this.#options.maxBestEffort
    return threads | (1 << needsSlot) | (isLimited ? 0 : 1 << needsBestEffortSlot)
  }

  #startSlice(): void {
    this.now = this.#sliceStart = this.#lastLook = this.#clock.now()
    this.#untilLook = this.#stride
    this.ready.note(this.now)
    if (!this.#isDriven) this.#turn.watch()
  }

  /** Looks at the clock, as seldom as the tasks of late allow. */
  #sliceIsOver(): boolean {
    const now = this.#clock.now()
    const { turnBudgetMs } = this.#options
    const perTask = (now - this.#lastLook) / this.#stride
    const affordable = Math.floor(turnBudgetMs / 8 / Math.max(perTask, 1e-6))
    this.#stride = Math.max(1, Math.min(affordable, this.#stride * 2, longestStride))
    this.#untilLook = this.#stride - 1
    this.#lastLook = this.now = now
    this.ready.note(now)
    return now - this.#sliceStart >= turnBudgetMs
  }

  #rest(): void {
    this.#breath = 'none'
    if (this.ready.hasJoined) this.ready.note((this.now = this.#clock.now()))
    this.#turn.stayAlive()
  }
}
