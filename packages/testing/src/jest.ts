import type { TaskAssertions } from './matchers.ts'

/** `expect.extend(matchers)` registers the matchers with jest; their types are there with the import. */
export { type MatcherResult, matchers, type TaskAssertions, type TaskMatchers } from './matchers.ts'
/** `test('...', withEnvironment(async (env) => { ... }))` gives a test an environment. */
export { withEnvironment } from './with-environment.ts'

// For `@jest/globals`, whose `expect` has the types of the package of that name. Ignored for who has `@types/jest` alone.
// biome-ignore lint/suspicious/noTsIgnore: it is an error only if that package is not there
/** @ts-ignore */
declare module 'expect' {
  // Declaration merging wants the type parameters of jest.
  interface Matchers<R extends void | Promise<void>, T = unknown> extends TaskAssertions<R> {}
}

declare global {
  // For `@types/jest`.
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: as it is declared there
    interface Matchers<R, T = {}> extends TaskAssertions<R> {}
  }
}
