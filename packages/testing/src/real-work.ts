import { calledOnce } from './called-once.ts'
import { ExternalWaitError } from './errors.ts'
import { drainMicrotasks, pause, realNow, turn } from './host.ts'
import type { IoScope } from './io-scope.ts'

const turnsBeforePause = 20

/** What is pending, for an error. */
export interface WorkReport {
  readonly text: string
  readonly tasks: readonly string[]
}

/** The real work that holds virtual time: what the test named, and the native requests that are seen. */
export class RealWork {
  readonly #holds = new Map<symbol, string>()
  readonly #io: IoScope
  readonly #timeoutMs: number
  #isLate = false

  constructor(io: IoScope, timeoutMs: number) {
    this.#io = io
    this.#timeoutMs = timeoutMs
  }

  /** Holds virtual time until disposed. */
  hold(what: string): Disposable {
    const key = Symbol(what)
    this.#holds.set(key, what)
    return { [Symbol.dispose]: () => void this.#holds.delete(key) }
  }

  /** Holds virtual time until `promise` settles. */
  external<T>(promise: PromiseLike<T>, what: string): Promise<T> {
    const work = Promise.resolve(calledOnce(promise))
    const hold = this.hold(what)
    const release = (): void => hold[Symbol.dispose]()
    work.then(release, release)
    return work
  }

  /** What has taken too long already is not waited for again. */
  discard(): void {
    if (this.#isLate) this.#holds.clear()
  }

  get isOpen(): boolean {
    return this.#holds.size > 0 || this.#io.pending().length > 0
  }

  /** What the test named and has not ended. */
  get holds(): readonly string[] {
    return [...this.#holds.values()]
  }

  describe(): readonly string[] {
    return [...this.holds, ...this.#io.pending()]
  }

  /** @throws ExternalWaitError when it is open since `start`, in real ms, and that is longer than the limit */
  checkTime(start: number, report: () => WorkReport): void {
    if (realNow() - start <= this.#timeoutMs) return
    this.#isLate = true
    const { text, tasks } = report()
    throw new ExternalWaitError(
      `real work held the virtual time for more than ${this.#timeoutMs} ms: ${this.describe().join(', ')}\n${text}`,
      tasks,
    )
  }

  /**
   * Waits until nothing can go on without virtual time: microtasks first, which is exact; then, where real work is open
   * or `mayBeMore` (something waits, nobody knows for what), turns of the event loop.
   * @throws ExternalWaitError when real work takes longer than the limit: never "go on anyway", which would be a flake
   */
  async settle(mayBeMore: () => boolean, report: () => WorkReport): Promise<void> {
    await drainMicrotasks()
    if (!this.isOpen && !mayBeMore()) return
    await turn()
    const start = realNow()
    for (let turns = 0; ; ) {
      await drainMicrotasks()
      if (!this.isOpen) {
        // What went on may start more.
        await turn()
        await drainMicrotasks()
        if (!this.isOpen) return
      }
      this.checkTime(start, report)
      if (++turns > turnsBeforePause) await pause(1)
      else await turn()
    }
  }
}
