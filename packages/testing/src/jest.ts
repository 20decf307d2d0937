/** `expect.extend(matchers)` registers the matchers with jest. */
export { type MatcherResult, matchers, type TaskMatchers } from './matchers.ts'
/** `test('...', withEnvironment(async (env) => { ... }))` gives a test an environment. */
export { withEnvironment } from './with-environment.ts'
