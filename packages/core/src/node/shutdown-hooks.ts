import process from 'node:process'
import type { CloseReport } from '../pool-closing.ts'
import type { ThreadPool } from '../thread-pool.ts'
import { checkedTime } from '../traits.ts'

type Signal = 'SIGINT' | 'SIGTERM'

/** Options of {@link installShutdownHooks}. Times are milliseconds. */
export interface ShutdownHookOptions {
  /** The signals that end the process. Default both. */
  readonly signals?: readonly Signal[] | undefined
  /**
   * What a signal does to queued tasks: `'drop'` (default) runs those with `shutdown: 'block-shutdown'` and drops the
   * others, as `runner.shutdown()` does (W4); `'run'` runs them all, as `runner.close()` does (W5).
   */
  readonly queued?: 'drop' | 'run' | undefined
  /** After this time the pool is terminated (W6). Default: it may take as long as it takes. */
  readonly timeoutMs?: number | undefined
  /** Called when the pool is closed, before the process ends; a promise is waited for. */
  readonly onClosed?: ((report: CloseReport, cause: Signal | 'beforeExit') => void | PromiseLike<void>) | undefined
}

/** What {@link installShutdownHooks} returns. */
export interface ShutdownHooks extends Disposable {
  /** Takes the listeners out again. A shutdown that has begun goes on. */
  dispose(): void
}

type HookedPool = Pick<ThreadPool<never>, 'close' | 'terminate' | 'runners'>

/** What a shell reports for a process that a signal ended: 128 and the signal's number. */
const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/** One signal reaches the hooks of every pool: the process ends when the last of them is closed. */
const underWay = new Set<object>()

const closeInOrder = async (pool: HookedPool, { queued = 'drop', timeoutMs }: ShutdownHookOptions): Promise<CloseReport> => {
  const runners = pool.runners.toReversed()
  const report = pool.close({ timeoutMs })
  if (queued === 'drop') {
    for (const runner of runners) {
      // When its turn to close has come, and no sooner: later runners may still post to it (W6).
      runner.shutdown()
      await runner.closed
    }
  }
  return report
}

/**
 * Closes a pool before the process ends. SIGINT and SIGTERM close it in good order: every accepted `block-shutdown` task
 * runs to its end, then the process exits with 130 or 143. A second signal terminates the pool and exits at once.
 * `beforeExit`, when nothing is left to do, closes it as well, so that its threads go; the exit code stays.
 *
 * Listeners of others stay. A further signal has Node's own effect again. Node only.
 *
 * ```ts
 * import { installShutdownHooks } from '@posttask/core/node'
 *
 * using hooks = installShutdownHooks(pool, { timeoutMs: 10_000 })
 * ```
 *
 * @throws TypeError for what is no pool
 * @throws RangeError for a `timeoutMs` that is none
 */
export const installShutdownHooks = (pool: HookedPool, options: ShutdownHookOptions = {}): ShutdownHooks => {
  if (typeof pool?.terminate !== 'function') throw new TypeError('installShutdownHooks needs a ThreadPool as its first argument')
  const { signals = ['SIGINT', 'SIGTERM'], timeoutMs, onClosed } = options
  if (timeoutMs !== undefined) checkedTime(timeoutMs, 'timeoutMs')
  const shutdown = {}
  let closing: Promise<void> | undefined
  let first: Signal | undefined

  const close = async (cause: Signal | 'beforeExit'): Promise<void> => {
    try {
      const report = await closeInOrder(pool, options)
      await onClosed?.(report, cause)
    } catch (error) {
      console.error('posttask: the shutdown failed', error)
      process.exitCode = 1
    }
  }

  const exitAfter = (end: Promise<unknown>, code: number): void => {
    underWay.add(shutdown)
    const leave = (): void => {
      underWay.delete(shutdown)
      if (underWay.size === 0) process.exit(code)
    }
    end.then(leave, leave)
  }

  const onSignal = (signal: Signal): void => {
    if (first === undefined) {
      first = signal
      closing ??= close(signal)
      exitAfter(closing, exitCodes[signal])
    } else {
      dispose()
      exitAfter(pool.terminate(), exitCodes[first])
    }
  }

  const onBeforeExit = (): void => {
    closing ??= close('beforeExit')
  }

  const dispose = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
    process.off('beforeExit', onBeforeExit)
  }

  for (const signal of signals) process.on(signal, onSignal)
  process.once('beforeExit', onBeforeExit)
  return { dispose, [Symbol.dispose]: dispose }
}
