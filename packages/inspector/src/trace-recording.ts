import type { ThreadPool } from '@posttask/core'
import { type Trace, TraceRecorder } from '@posttask/diagnostics'
import type { RecordingSnapshot } from './snapshot.ts'

/** The trace that somebody asked for. Nothing is recorded before. */
export class TraceRecording implements Disposable {
  readonly #pools: readonly ThreadPool<never>[]
  readonly #maxTasks: number
  #recorder: TraceRecorder | undefined
  #startedAt = 0

  constructor(pools: readonly ThreadPool<never>[], maxTasks: number) {
    this.#pools = pools
    this.#maxTasks = maxTasks
  }

  get state(): RecordingSnapshot | null {
    if (this.#recorder === undefined) return null
    return { elapsedMs: performance.now() - this.#startedAt, isFull: this.#recorder.droppedTasks > 0 }
  }

  /** A recording that goes on goes on. */
  start(): void {
    if (this.#recorder !== undefined) return
    this.#recorder = new TraceRecorder(this.#pools, { maxTasks: this.#maxTasks })
    this.#startedAt = performance.now()
  }

  /** Ends the recording. Undefined where there was none. */
  stop(): Trace | undefined {
    const recorder = this.#recorder
    this[Symbol.dispose]()
    return recorder?.trace()
  }

  /** Ends the recording, which nobody wants any more. */
  [Symbol.dispose](): void {
    this.#recorder?.[Symbol.dispose]()
    this.#recorder = undefined
  }
}
