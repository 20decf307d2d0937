import type { Writable } from 'node:stream'
import { intrinsics } from '../intrinsics.ts'
import { outputLimitMs } from './thread-output.ts'

const { clearTimeout, setTimeout } = globalThis

/** A stream, and its `write` as it was before any task ran: one that a task puts in its place may never call back. */
interface PrintedStream {
  readonly stream: Writable
  readonly write: Writable['write']
}

/** What a thread prints. It goes through the main thread, and must be there before the outcome is. */
export class PrintedOutput {
  readonly #streams: readonly PrintedStream[]

  constructor(streams: readonly Writable[]) {
    this.#streams = streams.map((stream) => ({ stream, write: stream.write.bind(stream) as Writable['write'] }))
  }

  /** Resolves when everything is sent; undefined where there is nothing to wait for. */
  get pending(): Promise<void> | undefined {
    for (const { stream } of this.#streams) if (stream.writableLength > 0) return this.#sent()
    return undefined
  }

  /** Main may take nothing because nobody takes it from main: that must not hold the task for ever. */
  #sent(): Promise<void> {
    return new intrinsics.Promise((resolve) => {
      const limit = setTimeout(resolve, outputLimitMs)
      // Those alone: Node takes the answer to a write to the stream that `process` has by then, which a task may replace.
      const full = this.#streams.filter(({ stream }) => stream.writableLength > 0)
      let left = full.length
      const onSent = (): void => {
        if (--left > 0) return
        clearTimeout(limit)
        resolve()
      }
      for (const { write } of full) write('', onSent)
    })
  }
}
