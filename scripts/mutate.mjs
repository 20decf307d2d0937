// Mutation testing: `pnpm run mutate [FILE ...]`, paths or names below packages/core/src, FILE:10-20 for some lines of it.
// Prints the score of each file, and what survived. scripts/mutation/equivalent.json says why some of it may.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stryker } from '@stryker-mutator/core'
import { leastScore, scoreOf, survivorsOf } from './mutation/score.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const sources = 'packages/core/src'

// What schedules, waits and closes; and what talks to threads.
const engine = `pump ready-queue ready-list level-turns task-queue level-bucket keyed-bucket waiting-list task-pack queue-bound
  runner-queue runner-posts runner-engine runner-closing task-outcome rejection idle-waiters pool-closing delay-queue
  repeating-task batches host-turn`
const worker = `worker/lane worker/lane-executor worker/wire worker/serve-tasks worker/board worker/job worker/job-sender`

const testFilesIn = (folder, takes = () => true) => {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test.ts') && takes(name))
  return names.map((name) => join(folder, name).replaceAll('\\', '/'))
}

// The hooks of the process are not mutated, and their tests take long. Of the testing package what tests the engine.
const general = [
  ...testFilesIn('packages/core/test', (name) => !name.includes('shutdown-hooks')),
  ...testFilesIn('packages/backend-inline/test'),
]
const exploring = testFilesIn('packages/testing/test', (name) => /^(engine-exploration|test-environment)\b/.test(name))

const sides = [
  { name: 'engine', sources: engine, has: (file) => !file.includes('/worker/'), tests: [...general, ...exploring] },
  {
    name: 'worker',
    sources: worker,
    has: (file) => file.includes('/worker/'),
    tests: [...general, ...testFilesIn('packages/backend-piscina/test')],
  },
]

const pathOf = (name) => {
  const [file, lines] = name.split(':', 2)
  const path = [file, `${sources}/${file}`, `${sources}/${file}.ts`].find((path) => path.endsWith('.ts') && existsSync(path))
  if (path === undefined) throw new Error(`No such source: ${name}`)
  return lines === undefined ? path : `${path}:${lines}`
}

const mutate = async (side, files) => {
  // scripts/mutation/vitest.config.ts reads it, in Stryker's processes.
  process.env.MUTATION_TESTS = side.tests.join(' ')
  const report = `reports/mutation/${side.name}`
  const jsonReporter = { fileName: `${report}.json` }
  const htmlReporter = { fileName: `${report}.html` }
  await new Stryker({
    mutate: files,
    incrementalFile: `${report}.incremental.json`,
    jsonReporter,
    htmlReporter,
  }).runMutationTest()
  const result = JSON.parse(readFileSync(`${report}.json`, 'utf8'))
  // Stryker says nothing when a file of tests can not be loaded.
  const missing = side.tests.filter((file) => !(file in result.testFiles))
  if (missing.length > 0) throw new Error(`No test of these has run: ${missing.join(', ')}`)
  return Object.fromEntries(files.map((file) => file.replace(/:.*$/, '')).map((file) => [file, result.files[file]]))
}

const asked = process.argv.slice(2).map(pathOf)
const results = {}
for (const side of sides) {
  const files = asked.length > 0 ? asked.filter(side.has) : side.sources.split(/\s+/).map(pathOf)
  if (files.length > 0) Object.assign(results, await mutate(side, files))
}

const survivors = survivorsOf(results)
for (const { file, at, original, replacement, reason } of survivors)
  console.log(`${file}:${at}  ${original}  =>  ${replacement}${reason === undefined ? '' : `\n    equivalent: ${reason}`}`)
const scores = Object.entries(results).map(([file, { mutants }]) => ({
  file: file.replace(`${sources}/`, ''),
  ...scoreOf(mutants),
}))
const all = scoreOf(Object.values(results).flatMap(({ mutants }) => mutants))
console.table([...scores, { file: 'all', ...all }])
if (all.score < leastScore) {
  console.error(`The score has to be ${leastScore} or more.`)
  process.exitCode = 1
}
