/** `test('...', withEnvironment(async (env, t) => { ... }))` gives a test of `node:test` an environment. */
export { withEnvironment } from './with-environment.ts'
