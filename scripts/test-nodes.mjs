// The test suite under other Node versions: `pnpm test:nodes [MAJOR ...]`, default 22 and 24.
// The binaries are packages of the npm registry, kept in .nodes/.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const majors = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24']
const root = fileURLToPath(new URL('..', import.meta.url))
const windows = process.platform === 'win32'
const packageName = `node-${windows ? 'win' : process.platform}-${process.arch}`

const run = (command, args, options) => spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0

const nodeFolder = (major) => {
  const prefix = join(root, '.nodes', major)
  const folder = join(prefix, 'node_modules', packageName, 'bin')
  if (!existsSync(folder))
    run('npm', ['install', '--no-save', '--loglevel=error', '--prefix', prefix, `${packageName}@${major}`], { shell: windows })
  return folder
}

const failed = []
for (const major of majors) {
  if (!/^\d+$/.test(major)) {
    console.error(`Not a major version of Node: ${major}`)
    failed.push(major)
    continue
  }
  const folder = nodeFolder(major)
  const node = join(folder, windows ? 'node.exe' : 'node')
  if (!existsSync(node)) {
    console.error(`Node ${major}: no ${packageName}@${major} to be had`)
    failed.push(major)
    continue
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  console.log(`\n== tests under Node ${version}`)
  const env = { ...process.env, PATH: folder + delimiter + process.env.PATH, NODE_LANE: version }
  if (!run(node, [join('node_modules', 'vitest', 'vitest.mjs'), 'run'], { env })) failed.push(major)
}
console.log(failed.length === 0 ? `\nNode ${majors.join(', ')}: ok` : `\nNode ${failed.join(', ')}: FAILED`)
process.exitCode = failed.length === 0 ? 0 : 1
