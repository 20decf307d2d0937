import type { RunLimits } from './run-limits.ts'
import { TestEnvironment, type TestEnvironmentOptions } from './test-environment.ts'

/** Options of {@link runTest}. */
export interface RunTestOptions extends TestEnvironmentOptions, RunLimits {
  /** `fastForward`: after the body time moves on until no task remains. Default `none`: what is left is a leak. */
  readonly drain?: 'none' | 'fastForward' | undefined
}

/**
 * Runs a test on virtual time that moves by itself whenever everything waits. Afterwards nothing may be left over.
 * A body that fails is never masked: what is left over is then printed, not thrown.
 *
 * ```ts
 * test('retries three times', () => runTest(async (env) => {
 *   const runner = new SequencedTaskRunner(env.pool)
 *   expect(await runner.run((context) => retry(context, 3))).toBe('done')
 *   expect(env.clock.now()).toBe(7000)
 * }))
 * ```
 *
 * @throws what the body throws; DeadlockError, LivelockError, TimeLimitError, TaskLimitError, LeakError, and failures that nobody waited for
 */
export const runTest = async <T>(
  body: (env: TestEnvironment) => PromiseLike<T> | T,
  options: RunTestOptions = {},
): Promise<T> => {
  const env = new TestEnvironment(options)
  try {
    const result = await env.run(body, options)
    if (options.drain === 'fastForward') await env.fastForwardUntilNoTasksRemain()
    env.verify()
    return result
  } catch (error) {
    reportLeftovers(env, error)
    throw error
  } finally {
    await env.discard()
  }
}

/** Prints what is left over beside a failure that must not be masked. */
export const reportLeftovers = (env: TestEnvironment, failure: unknown): void => {
  if (
    /^ERR_(?:LEAK|DEADLOCK|LIVELOCK|TIME_LIMIT|TASK_LIMIT|EXTERNAL_WAIT|FOREIGN_WAIT)$/.test(
      (failure as { code?: string } | undefined)?.code ?? '',
    )
  )
    return
  try {
    env.verify()
  } catch (error) {
    if (error !== failure)
      console.error(`[posttask] beside the failure of the test: ${error instanceof Error ? error.message : String(error)}`)
  }
}
