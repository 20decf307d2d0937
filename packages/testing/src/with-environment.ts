import { reportLeftovers } from './run-test.ts'
import { createTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from './test-environment.ts'

/**
 * A test body that drives its environment itself, for runners without fixtures. Afterwards nothing may be left over,
 * but a body that fails is never masked.
 */
export const withEnvironment =
  <Rest extends readonly unknown[]>(
    body: (env: TestEnvironment, ...rest: Rest) => PromiseLike<void> | void,
    options: TestEnvironmentOptions = {},
  ): ((...rest: Rest) => Promise<void>) =>
  async (...rest) => {
    const env = createTestEnvironment(options)
    try {
      await body(env, ...rest)
      env.verify()
    } catch (error) {
      reportLeftovers(env, error)
      throw error
    } finally {
      await env.discard()
    }
  }
