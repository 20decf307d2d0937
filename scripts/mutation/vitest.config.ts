// How a mutation run runs the tests: as always, but one process for all files of a run, and what is slow comes last.
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification, type Vitest } from 'vitest/node'
import original from '../../vitest.config.ts'

const files = process.env['MUTATION_TESTS']?.split(' ') ?? []
const slow = ['long-queues', 'sequence-bound', 'leaks', 'event-loop']

/** The tests of a single part come first: they find most of its mutants, in no time. */
const rank = ({ moduleId }: TestSpecification): number => {
  const name = basename(moduleId, '.test.ts')
  return slow.includes(name) ? 1 + slow.indexOf(name) : existsSync(`packages/core/src/${name}.ts`) ? -1 : 0
}

class QuickFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return specifications.toSorted((a, b) => rank(a) - rank(b))
  }
}

// Stryker asks for threads, where `process.exit` and `--expose-gc` are not what the tests expect.
const inProcesses = {
  name: 'in-processes',
  configureVitest: ({ vitest }: { vitest: Vitest }): void => {
    for (const project of vitest.projects) project.config.pool = 'forks'
  },
}

const setupFiles = [fileURLToPath(new URL('./setup.ts', import.meta.url))]

const { projects: all = [], execArgv = [], ...test } = original.test ?? {}

export default defineConfig({
  ...original,
  plugins: [inProcesses],
  test: {
    ...test,
    isolate: false,
    // The first run counts each branch, perhaps on a machine that does other things as well.
    testTimeout: 120_000,
    reporters: [],
    sequence: { sequencer: QuickFirst },
    execArgv: [...execArgv, '--import', new URL('./count-hits.mjs', import.meta.url).href],
    projects: all.flatMap((project) => {
      if (typeof project !== 'object' || !('test' in project)) return []
      const folder = `${project.test?.root}/`
      const include = files.filter((file) => file.startsWith(folder)).map((file) => file.slice(folder.length))
      return include.length === 0 ? [] : [{ ...project, test: { ...project.test, include, setupFiles } }]
    }),
  },
})
