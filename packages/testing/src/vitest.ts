import { expect, test as plainTest, type TestAPI } from 'vitest'
import { matchers, type TaskAssertions } from './matchers.ts'
import { createTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from './test-environment.ts'

interface Fixtures {
  /** Options of `env`; set them with `test.extend` or, from vitest 4.1, `test.override`. */
  envOptions: TestEnvironmentOptions
  /** A test environment of this test's own. Left-over tasks fail the test, unless it failed already. */
  env: TestEnvironment
}

/**
 * vitest's `test` with an `env` for each test.
 *
 * ```ts
 * test('D1 the report is due after an hour', async ({ env }) => {
 *   scheduleReport(new SequencedTaskRunner(env.pool))
 *   await env.advanceBy(3_600_000)
 *   expect(env).toBeIdle()
 * })
 * ```
 */
export const test: TestAPI<Fixtures> = plainTest.extend<Fixtures>({
  envOptions: [{}, { injected: true }],
  env: async ({ envOptions, task }, use) => {
    const env = createTestEnvironment(envOptions)
    await use(env)
    try {
      const hasFailed = task.result?.state === 'fail' || (task.result?.errors?.length ?? 0) > 0
      if (hasFailed) console.error(`[posttask] when "${task.name}" failed:\n${env.describe()}`)
      else env.verify()
    } finally {
      await env.discard()
    }
  },
})

expect.extend({ ...matchers })

/** vitest's `expect`, with the matchers. */
export { expect }

declare module 'vitest' {
  // Declaration merging wants vitest's own type parameter.
  interface Matchers<T> extends TaskAssertions<T> {}
}
