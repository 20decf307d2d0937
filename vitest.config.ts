import { readdirSync } from 'node:fs'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { ResultReporter } from './scripts/result-reporter.ts'

const sourceCondition = '@posttask/source'
const major = process.versions.node.split('.')[0]
const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(new URL(parent, import.meta.url)).map((name) => `${parent}/${name}`),
)

// Everything runs from the sources. Worker threads inherit the execArgv of the test's process, so they do as well.
export default defineConfig({
  ssr: {
    resolve: {
      // Packages are loaded by Node, which does not know of bundlers' entries.
      conditions: [sourceCondition, ...defaultServerConditions.filter((condition) => condition !== 'module')],
      externalConditions: [sourceCondition, 'node'],
    },
  },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // No test is about time. This one ends what hangs, on a machine that does other things as well.
    testTimeout: 30_000,
    execArgv: [
      `--conditions=${sourceCondition}`,
      '--import',
      new URL('./scripts/register-typescript.mjs', import.meta.url).href,
      '--expose-gc',
    ],
    projects: [...folders, 'benchmarks'].map((root) => ({
      extends: true as const,
      test: { root, name: root.replace(/^packages\//, ''), include: ['test/**/*.test.ts'] },
    })),
    reporters: ['default', ...(process.env['CI'] === undefined ? [] : [new ResultReporter(`.vitest/node-${major}.json`)])],
    coverage: { include: ['packages/*/src/**'], reporter: ['text', 'html', 'json-summary'] },
  },
})
