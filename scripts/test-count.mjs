// Adds up what the runs of vitest left in .vitest/, one file per Node version: `test-count.mjs [MAJOR ...]` with the
// versions that must be there. Names every failure again, for the end of a long log; the last line it prints is the sum.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../.vitest/', import.meta.url)
const names = new Set(existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [])
for (const major of process.argv.slice(2)) names.add(`node-${major}.json`)

const resultOf = (name) => {
  const file = new URL(name, folder)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'))
  return { passed: 0, failures: [{ what: 'the run', why: 'left no result' }] }
}

/** Of an error, what a reader needs to find its place. */
const shortened = (text) => text.split('\n').slice(0, 12).join('\n    ')

let passed = 0
let failed = 0
for (const name of names) {
  const result = resultOf(name)
  const version = name.replace('.json', '')
  for (const { what, why } of result.failures) console.log(`\n${version}: FAILED ${what}\n    ${shortened(why)}`)
  console.log(`${version}: ${result.passed} passed, ${result.failures.length} failed`)
  passed += result.passed
  failed += result.failures.length
}
console.log(`${passed} passed, ${failed} failed`)
