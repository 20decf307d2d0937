// `pnpm bench [NAME ...] [--quick] [--check] [--report] [--only PEER]` and `pnpm run profile NAME [CASE]`: builds first, then
// goes on in a plain Node, because the built packages are what is measured.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { buildAll, builtFolder } from './build.ts'

const [command, ...args] = process.argv.slice(2)
const isProfile = command === 'profile'
await buildAll((line) => process.stderr.write(`${line}\n`))
const script = fileURLToPath(new URL(isProfile ? 'profile.js' : 'bench.js', builtFolder))
const { status } = spawnSync(process.execPath, [script, ...(isProfile ? args : process.argv.slice(2))], {
  stdio: 'inherit',
  env: { ...process.env, NODE_OPTIONS: '' },
})
process.exitCode = status ?? 1
