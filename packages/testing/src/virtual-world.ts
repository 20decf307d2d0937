import {
  type TaskErrorEvent,
  type TaskExecution,
  type TaskHandle,
  type TestSeam,
  ThreadPool,
  type ThreadPoolOptions,
} from '@posttask/core'
import { DeadlockError } from './errors.ts'
import { IoScope } from './io-scope.ts'
import { Journal, nameOf } from './journal.ts'
import { createRandom, type Random } from './random.ts'
import { RealWork } from './real-work.ts'
import { type TaskInfo, TaskLedger } from './task-ledger.ts'
import { VirtualClock } from './virtual-clock.ts'
import { type ExecutorHost, VirtualExecutor, type VirtualExecutorOptions } from './virtual-executor.ts'
import { type GlobalName, type InstalledGlobals, installGlobals } from './virtual-globals.ts'
import { waitCycle } from './wait-graph.ts'

/** Options that every kind of environment has. */
export interface WorldOptions {
  /** Of `env.random` and of modelled durations. Default 1. */
  readonly seed?: number | undefined
  /** Where the wall clock starts. Default 2000-01-01T00:00:00Z. */
  readonly epoch?: number | Date | undefined
  /** See the native requests of the code under test, so that they hold the virtual time. Default true; Node only. */
  readonly trackIO?: boolean | undefined
  /**
   * The longest that real work may hold the virtual time, in real ms. Default 4000: the time limit that runners of tests
   * have, 5000, would end the test without a word of what it waits for.
   */
  readonly externalTimeoutMs?: number | undefined
  /** Options of `env.executor`, such as `maxConcurrency`. */
  readonly executor?: VirtualExecutorOptions | undefined
  /** Options of `env.pool`. `trackRunner` is on unless said otherwise, so that reports can tell who waits. */
  readonly pool?: Omit<ThreadPoolOptions, 'executor'> | undefined
}

/** How much a world keeps for reports. Schedules by the thousand keep nothing. */
export interface WorldSettings {
  readonly choose?: TestSeam['choose']
  readonly keepsJournal: boolean
  readonly keepsSites: boolean
  readonly tracksIO: boolean
  readonly tracksRunner: boolean
  onStep?(task: TaskHandle): void
  onPost?(): void
  /** A timer of `installGlobals` fires. */
  onTimer?(): void
  readonly explainTimeout?: TestSeam['explainTimeout']
}

/** How many tasks a report names. */
const mostLines = 50

/** The parts of an environment, whoever drives it: clock, executor, pool, and what is known of the tasks. */
export class VirtualWorld {
  readonly clock: VirtualClock
  readonly io: IoScope
  readonly work: RealWork
  readonly ledger: TaskLedger
  readonly journal: Journal | undefined
  readonly random: Random
  /** What failed and nobody waited for. */
  readonly failures: unknown[] = []
  readonly #options: WorldOptions
  readonly #settings: WorldSettings
  readonly #globals = new Set<InstalledGlobals>()
  #executor: VirtualExecutor | undefined
  #pool: ThreadPool | undefined

  constructor(options: WorldOptions, settings: WorldSettings) {
    this.#options = options
    this.#settings = settings
    this.random = createRandom(options.seed ?? 1)
    this.io = new IoScope(settings.tracksIO)
    this.work = new RealWork(this.io, options.externalTimeoutMs ?? 4000)
    this.ledger = new TaskLedger(settings.keepsSites)
    this.journal = settings.keepsJournal ? new Journal() : undefined
    this.clock = new VirtualClock({ epoch: options.epoch, seam: this.#seam() })
  }

  get executor(): VirtualExecutor {
    this.#executor ??= this.createExecutor(this.#options.executor)
    return this.#executor
  }

  get pool(): ThreadPool {
    this.#pool ??= this.createPool(this.#options.executor)
    return this.#pool
  }

  createExecutor(options: VirtualExecutorOptions | undefined): VirtualExecutor {
    return new VirtualExecutor(this.#host, options)
  }

  createPool(options: VirtualExecutorOptions | undefined): ThreadPool {
    return new ThreadPool({
      name: 'test',
      trackRunner: this.#settings.tracksRunner,
      onTaskError: (event) => this.#failed(event),
      ...this.#options.pool,
      executor: this.createExecutor(options),
    })
  }

  /** Puts the globals of time on the clock, until they are disposed or everything is dropped. */
  installGlobals(names?: readonly GlobalName[]): Disposable {
    const external = <T>(promise: PromiseLike<T>, what: string): Promise<T> => this.work.external(promise, what)
    const installed = installGlobals(this.clock, external, () => this.#settings.onTimer?.(), names)
    this.#globals.add(installed)
    return {
      [Symbol.dispose]: () => {
        if (this.#globals.delete(installed)) installed[Symbol.dispose]()
      },
    }
  }

  /** Notes something in the timeline. */
  note(who: string, what: string): void {
    this.journal?.add(this.clock.now(), who, what)
  }

  /** What is pending, and why, as text; of thousands the first. */
  describe(body?: string): string {
    const pending = this.ledger.list()
    const lines = pending.slice(0, mostLines).map(({ info }) => describeTask(info))
    if (pending.length > mostLines) lines.push(`... and ${pending.length - mostLines} more`)
    const work = this.work.describe()
    const timers = [...this.#globals].flatMap((globals) => globals.pending())
    return [
      `t=${this.clock.now()}: ${pending.length === 0 ? 'no task is pending' : `${pending.length} task(s) pending`}`,
      ...(body === undefined ? [] : [`  ${body}`]),
      ...lines.map((line) => `  ${line}`),
      ...(timers.length === 0 ? [] : [`  timers of the code under test: ${shortList(timers)}`]),
      ...(work.length === 0 ? [] : [`  real work under way: ${work.join(', ')}`]),
    ].join('\n')
  }

  /** The names of what is pending, for an error. */
  pendingNames(body?: string): readonly string[] {
    const names = this.ledger.list().map(({ info }) => `${info.runner}/${info.name}`)
    return body === undefined ? names : ['test/body', ...names]
  }

  deadlock(body?: string): DeadlockError {
    const infos = this.ledger.list().map(({ info }) => info)
    const isCertain = !infos.some(({ foreign }) => foreign)
    const cycle = waitCycle(this.ledger)
    const stuck = infos.length + (body === undefined ? 0 : 1)
    return new DeadlockError(
      [
        `${isCertain ? '' : 'potential '}deadlock: ${stuck} task(s) can never run again and no timer is pending`,
        ...(body === undefined ? [] : [`  ${body}`]),
        ...infos.map((info) => `  ${describeTask(info)}`),
        ...(cycle === undefined ? [] : [`  cycle: ${[...cycle, cycle[0]].join(' -> ')}`]),
        ...(isCertain ? [] : ['  What a task waits for outside of this library is named by env.external(promise).']),
      ].join('\n'),
      this.pendingNames(body),
    )
  }

  /** Drops what is pending, so that nothing of this world goes on. */
  discard(): void {
    for (const globals of [...this.#globals].toReversed()) globals[Symbol.dispose]()
    this.#globals.clear()
    for (const { handle } of this.ledger.list()) {
      if ('stop' in handle) handle.stop()
      else handle.cancel()
    }
    this.work.discard()
    this.io[Symbol.dispose]()
  }

  #failed({ error, runner, name }: TaskErrorEvent): void {
    this.note(`${runner.name}/${name}`, `failed: ${String(error)}`)
    this.failures.push(error)
  }

  #seam(): TestSeam {
    const { ledger } = this
    const { choose, explainTimeout } = this.#settings
    const resumed = (task: TaskHandle, what: string): void => {
      this.note(nameOf(task), `after ${what}`)
      this.#settings.onStep?.(task)
    }
    return {
      ...(choose !== undefined && { choose }),
      ...(explainTimeout !== undefined && { explainTimeout }),
      resumed,
      posted: (runner, task, name, due, interval, unref) => {
        ledger.add(runner, task, name, due, interval, unref)
        this.#settings.onPost?.()
      },
      wait: (task, what, on) => void ledger.wait(task, what, on),
      resume: (task, what, wake) =>
        this.clock.enqueue({
          kind: 'resume',
          task,
          what,
          run: () => {
            resumed(task, what)
            wake()
          },
        }),
    }
  }

  get #host(): ExecutorHost {
    const { ledger, clock } = this
    return {
      clock,
      started: (execution) => {
        const task = taskOf(execution)
        ledger.started(task, execution.runner)
        this.note(nameOf(task), 'start')
        this.#settings.onStep?.(task)
      },
      finished: (execution) => {
        const task = taskOf(execution)
        ledger.finished(task)
        this.note(nameOf(task), 'end')
      },
      run: (body) => this.io.run(body),
      external: (promise, what) => this.work.external(promise, what),
      busy: (execution, [least, most]) => execution.sleep(Math.round(least + this.random() * (most - least))),
    }
  }
}

const shortList = (items: readonly string[]): string =>
  items.length > mostLines ? `${items.slice(0, mostLines).join(', ')} and ${items.length - mostLines} more` : items.join(', ')

// The pool's record is handle, context and execution in one.
const taskOf = (execution: TaskExecution): TaskHandle => execution as TaskExecution & TaskHandle

const describeTask = ({ runner, name, state, due, every, waits, foreign, background, postedAt }: TaskInfo): string =>
  [
    `${runner}/${name}: ${state}`,
    due === undefined ? '' : ` until t=${due}`,
    every === undefined ? '' : ` every ${every} ms`,
    foreign ? ', awaiting something the environment does not know' : waits.length > 0 ? `, awaiting ${waits.join(', ')}` : '',
    background ? ', in the background' : '',
    postedAt === '' ? '' : `  (${postedAt})`,
  ].join('')
