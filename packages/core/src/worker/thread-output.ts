import type { Readable, Writable } from 'node:stream'
import type { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from '../clock.ts'

/** So long an outcome waits for what was printed before it, in milliseconds, where nobody takes that. */
export const outputLimitMs = 5000

/** Where the streams of a thread are piped to. */
interface OutputTargets {
  readonly stdout: Writable
  readonly stderr: Writable
}

/** One stream of a thread, and the one of this process that it is piped to. */
class PrintedStream {
  readonly #from: Readable
  readonly #to: () => Writable
  /** Something came through, and may not have left this process. */
  #isFresh = false

  constructor(from: Readable, to: () => Writable) {
    this.#from = from
    this.#to = to
    // Where it is not piped it waits for a reader, and a listener would take away from that one.
    if (from.readableFlowing !== null) from.on('data', () => (this.#isFresh = true))
  }

  get isHeld(): boolean {
    if (this.#from.readableLength > 0) return this.#from.readableFlowing !== null
    if (!this.#isFresh) return false
    this.#isFresh = this.#to().writableLength > 0
    return this.#isFresh
  }

  async passOn(): Promise<void> {
    if (!this.isHeld) return
    await this.#handOver(this.#from.readableLength)
    const to = this.#to()
    if (to.writable && to.writableLength > 0) await new Promise<void>((resolve) => to.write('', () => resolve()))
  }

  /** Counts, for code that a task left behind may print for ever. */
  #handOver(left: number): Promise<void> | undefined {
    if (left === 0) return undefined
    return new Promise((resolve) => {
      const onData = (chunk: Uint8Array): void => {
        left -= chunk.length
        if (left > 0) return
        this.#from.off('data', onData)
        resolve()
      }
      this.#from.on('data', onData)
    })
  }
}

/**
 * What a thread has printed and this process still holds. It comes by message into a stream that is piped to stdout, and
 * stands still while that is full. The thread is told when it may send more, not when anything is out: so an outcome may
 * come in first, and who ends the process then would lose the rest.
 */
export class ThreadOutput {
  readonly #streams: readonly PrintedStream[]
  readonly #clock: Clock

  constructor({ stdout, stderr }: Pick<Worker, 'stdout' | 'stderr'>, clock: Clock, targets: OutputTargets = process) {
    this.#streams = [new PrintedStream(stdout, () => targets.stdout), new PrintedStream(stderr, () => targets.stderr)]
    this.#clock = clock
  }

  /** Asked at each outcome: it must cost next to nothing. */
  get isHeld(): boolean {
    for (const stream of this.#streams) if (stream.isHeld) return true
    return false
  }

  /** Calls back once the system has what is held now, or `outputLimitMs` later. */
  whenOut(callback: () => void): void {
    let limit: TimerHandle | undefined
    const over = new Promise<void>((resolve) => {
      limit = this.#clock.setTimer(outputLimitMs, resolve, { unref: true })
    })
    void Promise.race([over, Promise.all(this.#streams.map((stream) => stream.passOn()))]).then(() => {
      limit?.cancel()
      callback()
    })
  }
}
