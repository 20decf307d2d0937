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
 * queue depths, outcomes, and with `traceOrigin` on the pool the place of the post. A task that waits or runs already
 * when it is made is there from then on, once it starts or ends, without the arrow of its post.
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
  /** Those that are not kept are undefined: they are counted once. */
  readonly #byHandle = new WeakMap<TaskHandle, RecordedTask | undefined>()
  readonly #observing: readonly Disposable[]
  #last = 0
  #dropped = 0
  #stoppedAt: number | undefined

  constructor(pools: readonly ThreadPool<never>[], options: TraceOptions = {}) {
    const now = options.now ?? (() => performance.now())
    // From the beginning of the recording: a clock that counts from 1970 knows no nanoseconds.
    const start = now()
    this.#clock = () => now() - start
    this.#maxTasks = options.maxTasks ?? 100_000
    this.#observing = pools.map((pool) => pool.addObserver(this.#observe(pool.name)))
  }

  /** Tasks that were not kept, because there were more than `maxTasks`. */
  get droppedTasks(): number {
    return this.#dropped
  }

  /** What was recorded so far. Tasks that still run end, in the trace, now. */
  trace(): Trace {
    const end = this.#stoppedAt ?? this.#now()
    return buildTrace({ tasks: this.#tasks, depths: this.#depths, end, droppedTasks: this.#dropped })
  }

  /** The same as one page that zooms and filters, for a report or a pull request. See `traceToHtml`. */
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
      onStarted: (event) => this.#started(pool, event),
      onFinished: (event) => this.#finished(pool, event),
      onRejected: (event) => this.#rejected(event),
      onQueueDepth: (event) => this.#depth(pool, event),
    }
  }

  #posted(pool: string, event: TaskPostedEvent): void {
    const { poster, isReply, origin } = event
    this.#add(pool, event, {
      postedAt: this.#now(),
      isPostSeen: true,
      poster: poster === undefined ? undefined : this.#byHandle.get(poster),
      isReply,
      origin,
    })
  }

  #started(pool: string, event: TaskEvent): void {
    const recorded = this.#find(pool, event)
    if (recorded !== undefined) recorded.startedAt = this.#now()
  }

  #finished(pool: string, event: TaskFinishedEvent): void {
    const { outcome, error, thread, hasStarted } = event
    // One that never started, and whose post was not seen, may have been delayed: nothing is to be shown of it.
    const recorded = hasStarted ? this.#find(pool, event) : this.#byHandle.get(event.task)
    if (recorded === undefined) return
    if (hasStarted) recorded.startedAt ??= 0
    // It was on its way, in a batch whose thread was lost.
    else recorded.startedAt = undefined
    Object.assign(recorded, { endedAt: this.#now(), outcome, error: textOf(error), thread })
  }

  #rejected({ task, reason, error }: TaskRejectedEvent): void {
    const recorded = this.#byHandle.get(task)
    if (recorded === undefined) return
    Object.assign(recorded, { startedAt: undefined, endedAt: this.#now(), outcome: reason, error: error.message })
  }

  /** The task of an event; one that was posted before the recording began is taken in now. */
  #find(pool: string, event: TaskEvent): RecordedTask | undefined {
    if (!this.#byHandle.has(event.task)) {
      this.#add(pool, event, { postedAt: 0, isPostSeen: false, poster: undefined, isReply: false, origin: undefined })
    }
    return this.#byHandle.get(event.task)
  }

  #add(pool: string, { runner, task, name, priority }: TaskEvent, post: RecordedPost): void {
    if (this.#tasks.length >= this.#maxTasks) {
      this.#dropped++
      this.#byHandle.set(task, undefined)
      return
    }
    const recorded: RecordedTask = {
      ...post,
      number: this.#tasks.length + 1,
      id: task.id,
      name,
      pool,
      runner: runner.name,
      priority,
      startedAt: undefined,
      endedAt: undefined,
      outcome: undefined,
      error: undefined,
      thread: undefined,
    }
    this.#tasks.push(recorded)
    this.#byHandle.set(task, recorded)
  }

  #depth(pool: string, { runner, depth }: QueueDepthEvent): void {
    if (this.#dropped === 0) this.#depths.push({ pool, runner: runner.name, at: this.#now(), depth })
  }
}

type RecordedPost = Pick<RecordedTask, 'postedAt' | 'isPostSeen' | 'poster' | 'isReply' | 'origin'>

/** In milliseconds. */
const nanosecond = 1e-6

/** The error itself would be kept alive by the trace. */
const textOf = (error: unknown): string | undefined => {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`
  } catch {
    return 'an error that cannot be read'
  }
  return error === undefined || typeof error === 'string' ? error : `a thrown ${typeof error}`
}
