import { LoopWatch } from './loop-watch.ts'
import type { PoolWatch } from './pool-watch.ts'
import type { PoolSnapshot, RecordingSnapshot, Snapshot } from './snapshot.ts'
import { readThreads, type ThreadHolder } from './thread-holder.ts'

/** From the end of a sample to the next: never more than four a second. */
const intervalMs = 250

/** What a sampler reads, and where to. */
export interface SamplerOptions {
  readonly pools: readonly PoolWatch[]
  readonly executors: readonly ThreadHolder[]
  readonly recording: () => RecordingSnapshot | null
  readonly now: () => number
  readonly send: (snapshot: Snapshot) => void
}

interface Run {
  timer: NodeJS.Timeout | undefined
}

/** Takes samples between `start` and `stop`. Never keeps the process alive. */
export class Sampler {
  readonly #options: SamplerOptions
  readonly #loop = new LoopWatch()
  /** Of the run of samples that goes on; a sample that was under way at `stop` is not sent. */
  #run: Run | undefined
  #last: number | undefined
  /** Since the last sample that was taken. */
  #hasFailed = false

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#run !== undefined) return
    this.#last = undefined
    this.#loop.start()
    for (const pool of this.#options.pools) pool.start()
    const run: Run = { timer: undefined }
    this.#run = run
    void this.#sample(run)
  }

  stop(): void {
    if (this.#run === undefined) return
    clearTimeout(this.#run.timer)
    this.#run = undefined
    this.#loop.stop()
    for (const pool of this.#options.pools) pool.stop()
  }

  /**
   * A sample that fails, as a pool's executor may let it, is told of, and the next one is taken all the same. Those that fail
   * behind it are not told of: four times a second they would bury everything else.
   */
  async #sample(run: Run): Promise<void> {
    try {
      await this.#take(run)
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) console.error('[posttask] the inspector could not take a sample, and tries again:', error)
      this.#hasFailed = true
    }
    if (this.#run === run) run.timer = setTimeout(() => void this.#sample(run), intervalMs).unref()
  }

  async #take(run: Run): Promise<void> {
    const { now, send } = this.#options
    const at = now()
    const spanMs = this.#last === undefined ? 0 : at - this.#last
    this.#last = at
    const pools: PoolSnapshot[] = []
    for (const pool of this.#options.pools) {
      const snapshot = await pool.read()
      if (snapshot === undefined || this.#run !== run) return
      pools.push(snapshot)
    }
    const executors = this.#options.executors.map(readThreads)
    send({ at, spanMs, loop: this.#loop.read(), pools, executors, recording: this.#options.recording() })
  }
}
