import { type MessagePort, threadId } from 'node:worker_threads'
import { intrinsics } from '../intrinsics.ts'
import type { Board } from './board.ts'
import { threadMessage } from './protocol.ts'
import { serializationError } from './serialization-error.ts'
import { noCarrier, type ThreadTaskContext } from './task-context.ts'

const { AbortController } = globalThis
const { defineProperties } = Object
const { isArray } = Array

/** What a running task needs of its thread. */
export interface ThreadLine {
  readonly port: MessagePort
  readonly board: Board
  /** Takes in what main has sent, without going back to the event loop. */
  receive(): void
}

/** The task that runs in this thread. */
export class ThreadTask implements ThreadTaskContext {
  readonly threadId: number = threadId
  readonly job: number
  readonly index: number
  readonly id: number
  readonly name: string
  carrier: Readonly<Record<string, string>> = noCarrier
  readonly #line: ThreadLine
  readonly #wantsProgress: boolean
  #controller: AbortController | undefined
  #isAborted = false
  #hasEnded = false
  #reason: unknown
  #moved: readonly object[] | undefined

  constructor(line: ThreadLine, job: number, index: number, id: number, name: string, wantsProgress: boolean) {
    this.#line = line
    this.job = job
    this.index = index
    this.id = id
    this.name = name
    this.#wantsProgress = wantsProgress
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      // The event comes with the event loop; a loop that holds the thread can only ask, and must be told the truth.
      defineProperties(this.#controller.signal, {
        aborted: { get: () => this.#poll(), configurable: true },
        throwIfAborted: { value: () => this.throwIfAborted(), configurable: true },
      })
      if (this.#poll()) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  throwIfAborted(): void {
    if (this.#poll()) throw this.#reason
  }

  progress(value: unknown): void {
    if (!this.#wantsProgress || this.#hasEnded) return
    this.#line.board.countReport(this.index, 1)
    try {
      this.#line.port.postMessage([threadMessage.progress, this.index, value])
    } catch (cause) {
      this.#line.board.countReport(this.index, -1)
      throw serializationError(value, 'progress', `progress of task "${this.name}"`, cause)
    }
  }

  moveWithResult(objects: readonly object[]): void {
    if (!isArray(objects)) throw new intrinsics.TypeError('transfer needs an array of the objects to move')
    this.#moved = this.#moved === undefined ? objects : [...this.#moved, ...objects]
  }

  /** What `transfer` was called with. */
  get moved(): readonly object[] | undefined {
    return this.#moved
  }

  /** Code that it left behind has no say any more: its place belongs to another task. */
  end(): void {
    this.#hasEnded = true
  }

  /** It ends as it was asked to. */
  throwsReason(error: unknown): boolean {
    return this.#isAborted && error === this.#reason
  }

  abort(reason: unknown): void {
    if (this.#isAborted) return
    this.#isAborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  /** The reason was sent before the board was marked, so it is there. */
  #poll(): boolean {
    if (!this.#isAborted && !this.#hasEnded && this.#line.board.isAborted(this.index)) this.#line.receive()
    return this.#isAborted
  }
}
