// Adds up the reports that vitest left in .vitest/, one per Node version: `test-count.mjs [MAJOR ...]` with the versions
// that must be there. The last line it prints is the sum.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../.vitest/', import.meta.url)
const reports = new Set(existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [])
for (const major of process.argv.slice(2)) reports.add(`node-${major}.json`)

/** A file that could not even be loaded has no failed test: it counts as one. */
const count = (name) => {
  const file = new URL(name, folder)
  if (!existsSync(file)) return { passed: 0, failed: 1, remark: ' (the run left no report)' }
  const report = JSON.parse(readFileSync(file, 'utf8'))
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const failed = report.numFailedTests + broken.length
  return { passed: report.numPassedTests, failed, remark: '' }
}

let passed = 0
let failed = 0
for (const name of reports) {
  const one = count(name)
  console.log(`${name.replace('.json', '')}: ${one.passed} passed, ${one.failed} failed${one.remark}`)
  passed += one.passed
  failed += one.failed
}
console.log(`${passed} passed, ${failed} failed`)
