import type { Worker } from 'node:worker_threads'
import { WorkerCrashedError } from '../errors.ts'
import type { ThreadHolder } from './thread-holder.ts'
import type { Wire } from './wire.ts'

/** One thread, from its start to its end. */
export class ThreadLife {
  readonly thread: Worker
  readonly wire: Wire
  /** Resolves when it serves tasks, or never will. */
  readonly standing: Promise<void>
  readonly exited: Promise<void>
  #serves = false
  #exitCode: number | undefined
  #cause: unknown
  #endedFor: string | undefined

  /** Has the thread of a holder serve tasks. `onExit` is called when it has ended, however that came. */
  constructor(holder: ThreadHolder, thread: Worker, wire: Wire, onExit: (life: ThreadLife) => void) {
    let exited: () => void = () => {}
    let stands: () => void = () => {}
    this.thread = thread
    this.wire = wire
    this.standing = new Promise((resolve) => (stands = resolve))
    this.exited = new Promise((resolve) => (exited = resolve))
    thread.prependListener('exit', (code) => {
      this.#exitCode = code
    })
    thread.on('error', (error) => {
      // A library may tell itself of an exit by an error of its own making.
      if (this.#exitCode === undefined) this.#cause ??= error
    })
    thread.on('exit', () => {
      stands()
      onExit(this)
      exited()
    })
    holder.serve(wire.start, [wire.start.port]).then(
      () => {
        this.#serves = true
        stands()
      },
      (error: unknown) => {
        // The thread lives but cannot serve: its entry could not be loaded.
        this.#cause ??= error
        if (this.#exitCode === undefined) void thread.terminate()
      },
    )
  }

  get serves(): boolean {
    return this.#serves || this.wire.isServed
  }

  /** We end it, or have it ended: its end is no fault of what it had not started, and comes with its exit. */
  get isBeingEnded(): boolean {
    return this.#endedFor !== undefined
  }

  /** To be called before it is ended in another way than by `end`. */
  expectEnd(reason: string): void {
    this.#endedFor ??= reason
  }

  end(reason: string): void {
    this.expectEnd(reason)
    void this.thread.terminate()
  }

  /** What is to be told of its end. */
  get crash(): WorkerCrashedError {
    const code = this.#exitCode
    const cause = this.wire.cause ?? this.#cause
    if (cause !== undefined) {
      const reason = cause instanceof Error ? cause.message : 'what was thrown is no Error'
      return new WorkerCrashedError(`the thread ended by an error: ${reason}`, code, { cause })
    }
    const reason = this.#endedFor === undefined ? `with exit code ${code}` : `because ${this.#endedFor}`
    return new WorkerCrashedError(`the thread ended ${reason}`, code)
  }
}
