// Every check but the tests, one after the other. A red one does not hide the ones behind it.
import { spawnSync } from 'node:child_process'

const steps = [
  ['format and lint', 'biome ci --error-on-warnings .'],
  ['lint with types', 'oxlint --type-aware --deny-warnings'],
  ['unused files, exports and dependencies', 'knip'],
  ['package manifests', 'sherif'],
  ['types', 'turbo run typecheck --output-logs=errors-only'],
  ['types of the root', 'tsc -p tsconfig.json'],
  ['build', 'turbo run build --output-logs=errors-only'],
  ['public API', 'node scripts/api-report.mjs --check'],
  ['API documentation', 'typedoc --treatWarningsAsErrors --logLevel Warn --emit none'],
  ['packages as published', 'turbo run lint:pkg --output-logs=errors-only'],
  ['size', 'size-limit'],
]

const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', NODE_LANE: process.version }
const red = []
for (const [title, command] of steps) {
  console.log(`\n== ${title}: ${command}`)
  const start = performance.now()
  const { status } = spawnSync(command, { shell: true, stdio: 'inherit', env })
  console.log(`== ${title}: ${status === 0 ? 'ok' : 'FAILED'}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
  if (status !== 0) red.push(title)
}
console.log(
  red.length === 0 ? `\n${steps.length} checks ok` : `\n${red.length} of ${steps.length} checks failed: ${red.join(', ')}`,
)
process.exitCode = red.length === 0 ? 0 : 1
