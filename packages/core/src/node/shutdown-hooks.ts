import process from 'node:process'
import type { TimerHandle } from '../clock.ts'
import type { CloseOptions, CloseReport } from '../pool-closing.ts'
import { systemClock } from '../system-clock.ts'
import type { ThreadPool } from '../thread-pool.ts'
import { checkedTime } from '../traits.ts'

type Signal = 'SIGINT' | 'SIGTERM'

/** Why a pool is closed: the signal, or that the process has nothing left to do. */
export type ShutdownCause = Signal | 'beforeExit'

/** Options of {@link installShutdownHooks}. Times are milliseconds, counted from the signal. */
export interface ShutdownHookOptions {
  /** The signals that end the process. Default both. */
  readonly signals?: readonly Signal[] | undefined
  /**
   * What a signal does to queued tasks: `'drop'` (default) runs those with `shutdown: 'block-shutdown'` and drops the
   * others, as `runner.shutdown()` does (W4); `'run'` runs them all, as `runner.close()` does (W5).
   */
  readonly queued?: 'drop' | 'run' | undefined
  /**
   * Called first, while the pool still takes posts; the pool closes when the promise is fulfilled. For what brings work in:
   * `() => app.close()`. A failure is printed, and the pool closes all the same.
   */
  readonly before?: ((cause: ShutdownCause) => unknown) | undefined
  /**
   * After this time what runs is cancelled, so that its `context.signal` fires (C2); a `before` that has not ended by then
   * goes on while the pool closes. Default: never.
   */
  readonly signalAfterMs?: number | undefined
  /** After this time, that of `before` included, the pool is terminated (W6). Default: it may take as long as it takes. */
  readonly timeoutMs?: number | undefined
  /** Called when the pool is closed, before the process ends; a promise is waited for. */
  readonly onClosed?: ((report: CloseReport, cause: ShutdownCause) => void | PromiseLike<void>) | undefined
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

const closeInOrder = async (pool: HookedPool, limits: CloseOptions, drops: boolean): Promise<CloseReport> => {
  const runners = pool.runners.toReversed()
  const report = pool.close(limits)
  if (drops) {
    for (const runner of runners) {
      // When its turn to close has come, and no sooner: later runners may still post to it (W6).
      runner.shutdown()
      await runner.closed
    }
  }
  return report
}

/** Waits for `end`, but no longer than that. */
const atMost = async (ms: number, end: Promise<void>): Promise<void> => {
  if (ms === Number.POSITIVE_INFINITY) return end
  let timer: TimerHandle | undefined
  const timeIsUp = new Promise<void>((resolve) => {
    timer = systemClock.setTimer(ms, resolve)
  })
  await Promise.race([end, timeIsUp])
  timer?.cancel()
}

const runBefore = async ({ before }: ShutdownHookOptions, cause: ShutdownCause): Promise<void> => {
  try {
    await before?.(cause)
  } catch (error) {
    console.error('posttask: what comes before the shutdown failed, and the pool closes all the same', error)
  }
}

const shutDown = async (pool: HookedPool, options: ShutdownHookOptions, cause: ShutdownCause): Promise<CloseReport> => {
  const { queued = 'drop', signalAfterMs, timeoutMs } = options
  const begin = systemClock.now()
  const left = (ms: number): number => Math.max(0, Math.ceil(begin + ms - systemClock.now()))
  const untilSignal = signalAfterMs ?? Number.POSITIVE_INFINITY
  const untilEnd = timeoutMs ?? Number.POSITIVE_INFINITY
  const before = runBefore(options, cause)
  await atMost(Math.min(untilSignal, untilEnd), before)
  const limits = {
    signalAfterMs: signalAfterMs === undefined ? undefined : left(signalAfterMs),
    timeoutMs: timeoutMs === undefined ? undefined : left(timeoutMs),
  }
  const report = await closeInOrder(pool, limits, queued === 'drop')
  // It may have waited for tasks that only their signal has ended.
  await atMost(left(untilEnd), before)
  return report
}

/**
 * Closes a pool before the process ends. SIGINT and SIGTERM close it in good order: every accepted `block-shutdown` task
 * runs to its end, then the process exits with 130 or 143. What brings work in, such as a server, is closed `before`, so that it
 * can still answer what is under way. A second signal terminates the pool and exits at once.
 * `beforeExit`, when nothing is left to do, closes it as well, so that its threads go; the exit code stays.
 *
 * Listeners of others stay. A further signal has Node's own effect again. Node only.
 *
 * ```ts
 * import { installShutdownHooks } from '@posttask/core/node'
 *
 * using hooks = installShutdownHooks(pool, { before: () => app.close(), timeoutMs: 10_000 })
 * ```
 *
 * @throws TypeError for what is no pool
 * @throws RangeError for a time that is none
 */
export const installShutdownHooks = (pool: HookedPool, options: ShutdownHookOptions = {}): ShutdownHooks => {
  if (typeof pool?.terminate !== 'function') throw new TypeError('installShutdownHooks needs a ThreadPool as its first argument')
  const { signals = ['SIGINT', 'SIGTERM'], signalAfterMs, timeoutMs, before, onClosed } = options
  if (before !== undefined && typeof before !== 'function') throw new TypeError('before must be a function')
  if (signalAfterMs !== undefined) checkedTime(signalAfterMs, 'signalAfterMs')
  if (timeoutMs !== undefined) checkedTime(timeoutMs, 'timeoutMs')
  const shutdown = {}
  let closing: Promise<void> | undefined
  let first: Signal | undefined

  const close = async (cause: ShutdownCause): Promise<void> => {
    try {
      const report = await shutDown(pool, options, cause)
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
