// Mutation testing: `pnpm run mutate [FILES]` (scripts/mutate.mjs), which says what is mutated and runs which tests.
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export default {
  testRunner: 'vitest',
  // Names would be looked for beside Stryker, in pnpm's store.
  plugins: [import.meta.resolve('@stryker-mutator/vitest-runner'), here('scripts/mutation/plugins.mjs')].map(String),
  vitest: { configFile: 'scripts/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // scripts/mutation/setup.ts ends what hangs. This is for threads that loop for ever, and long enough for a machine that
  // does other things as well.
  timeoutMS: 60_000,
  timeoutFactor: 1,
  dryRunTimeoutMinutes: 20,
  // The packages of the copy are to find each other there, not the sources that are not mutated.
  symlinkNodeModules: false,
  buildCommand: 'node scripts/mutation/link-packages.mjs',
  ignorePatterns: ['dist', 'coverage', 'docs/api', 'reports', '.nodes', '.turbo', '.vitest', '*.tgz'],
  // The words of an error are not held by tests, and neither is what `util.inspect` shows.
  ignorers: ['texts'],
  disableTypeChecks: 'packages/*/src/**/*.ts',
  incremental: true,
  reporters: ['survivors', 'progress-append-only', 'json', 'html'],
  warnings: { slow: false },
}
