import { writeFile } from 'node:fs/promises'
import type {
  Observer,
  QueueDepthEvent,
  TaskEvent,
  TaskFinishedEvent,
  TaskHandle,
  TaskPostedEvent,
  TaskRejectedEvent,
  ThreadPool,
} from '@posttask/core'
import { buildTrace } from './build-trace.ts'
import type { RecordedDepth, RecordedTask } from './recorded-task.ts'
import type { Trace } from './trace-event.ts'
import { traceToHtml } from './trace-to-html.ts'

/** Options of a recorder. */
export interface TraceOptions {
  /** Tasks beyond so many are counted and not kept. Default 100,000, some 30 MB of file. */
  readonly maxTasks?: number | undefined
  /** The time, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined
}

/**
 * Records what the tasks of pools do, from its making until it is disposed, as a trace for Chrome's DevTools: a lane for
 * each slot of a runner and for each thread, arrows from each post to its run and from each task to its reply, waits,
 * queue depths, outcomes, and with `traceOrigin` on the pool the place of the post.
 *
 * @example
 * ```ts
 * using recorder = new TraceRecorder([pool])
 * await work()
 * await recorder.writeTrace('trace.json')
 * ```
 */
export class TraceRecorder implements Disposable {
  readonly #clock: () => number
  readonly #maxTasks: number
  readonly #tasks: RecordedTask[] = []
  readonly #depths: RecordedDepth[] = []
  readonly #byHandle = new WeakMap<TaskHandle, RecordedTask>()
  readonly #observing: readonly Disposable[]
  readonly #start: number
  #last = Number.NEGATIVE_INFINITY
  #dropped = 0
  #stoppedAt: number | undefined

  constructor(pools: readonly ThreadPool<never>[], options: TraceOptions = {}) {
    this.#clock = options.now ?? (() => performance.now())
    this.#maxTasks = options.maxTasks ?? 100_000
    this.#start = this.#now()
    this.#observing = pools.map((pool) => pool.addObserver(this.#observe(pool.name)))
  }

  /** Tasks that were not kept, because there were more than `maxTasks`. */
  get droppedTasks(): number {
    return this.#dropped
  }

  /** What was recorded so far. Tasks that still run end, in the trace, now. */
  trace(): Trace {
    const end = this.#stoppedAt ?? this.#now()
    return buildTrace({ tasks: this.#tasks, depths: this.#depths, start: this.#start, end, droppedTasks: this.#dropped })
  }

  /** The same as one page without scripts, for a report or a pull request. */
  toHtml(title?: string): string {
    return traceToHtml(this.trace(), title)
  }

  /** Writes the trace to a file: as a page where its name ends in `.html`, else as JSON for DevTools. */
  async writeTrace(file: string): Promise<void> {
    await writeFile(file, file.endsWith('.html') ? this.toHtml() : `${JSON.stringify(this.trace())}\n`)
  }

  /** Ends the recording. What was recorded stays. */
  [Symbol.dispose](): void {
    this.#stoppedAt ??= this.#now()
    for (const observing of this.#observing) observing[Symbol.dispose]()
  }

  /** No two moments are the same: viewers tell the ends of an arrow apart by their times. */
  #now(): number {
    this.#last = Math.max(this.#clock(), this.#last + nanosecond)
    return this.#last
  }

  #observe(pool: string): Observer {
    return {
      onPosted: (event) => this.#posted(pool, event),
      onStarted: (event) => this.#started(event),
      onFinished: (event) => this.#finished(event),
      onRejected: (event) => this.#rejected(event),
      onQueueDepth: (event) => this.#depth(pool, event),
    }
  }

  #posted(pool: string, { runner, task, name, priority, poster, isReply, origin }: TaskPostedEvent): void {
    if (this.#tasks.length >= this.#maxTasks) {
      this.#dropped++
      return
    }
    const recorded: RecordedTask = {
      number: this.#tasks.length + 1,
      id: task.id,
      name,
      pool,
      runner: runner.name,
      priority,
      postedAt: this.#now(),
      poster: poster === undefined ? undefined : this.#byHandle.get(poster),
      isReply,
      origin,
      startedAt: undefined,
      endedAt: undefined,
      outcome: undefined,
      error: undefined,
      thread: undefined,
    }
    this.#tasks.push(recorded)
    this.#byHandle.set(task, recorded)
  }

  #started({ task }: TaskEvent): void {
    const recorded = this.#byHandle.get(task)
    if (recorded !== undefined) recorded.startedAt = this.#now()
  }

  #finished({ task, outcome, error, thread }: TaskFinishedEvent): void {
    const recorded = this.#byHandle.get(task)
    if (recorded === undefined) return
    Object.assign(recorded, { endedAt: this.#now(), outcome, error: textOf(error), thread })
  }

  #rejected({ task, reason, error }: TaskRejectedEvent): void {
    const recorded = this.#byHandle.get(task)
    if (recorded === undefined) return
    Object.assign(recorded, { endedAt: this.#now(), outcome: reason, error: error.message })
  }

  #depth(pool: string, { runner, depth }: QueueDepthEvent): void {
    if (this.#dropped === 0) this.#depths.push({ pool, runner: runner.name, at: this.#now(), depth })
  }
}

/** In milliseconds. */
const nanosecond = 1e-6

/** The error itself would be kept alive by the trace. */
const textOf = (error: unknown): string | undefined => {
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return error === undefined || typeof error === 'string' ? error : `a thrown ${typeof error}`
}
