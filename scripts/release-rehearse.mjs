// A release, played through: version, build and publish the last commit to a registry on loopback, from a throw-away clone
// with caches of its own, then install from there into projects that know nothing of this workspace, and run those.
// Prints a line for each; `--keep` leaves the folder behind. `NAME...` runs only the consumers that have one of them in their
// name, or in that of their group. Nothing is ever sent to another registry.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from './rehearsal/chromium.mjs'
import { groups } from './rehearsal/consumers.mjs'
import { startRegistry } from './rehearsal/registry.mjs'
import { run } from './rehearsal/run.mjs'
import { publicPackages, verifyTarget } from './rehearsal/target.mjs'

const scope = '@posttask'
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'posttask-release-'))
const clone = join(folder, 'clone')
const begin = performance.now()

const { packageManager, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [pnpmVersion] = packageManager.split('+')

// What a script of pnpm hands down would reach the tools below as their settings.
const inherited = Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|command)|^INIT_CWD$/i.test(name))
const fresh = {
  ...Object.fromEntries(inherited),
  CI: 'true',
  TURBO_TELEMETRY_DISABLED: '1',
  npm_config_cache: join(folder, 'npm-cache'),
  npm_config_store_dir: join(folder, 'pnpm-store'),
}
const tools = join(folder, 'tools', 'node_modules')
fresh.PATH = join(tools, '.bin') + delimiter + fresh.PATH
const pnpm = (args, options) =>
  run(process.execPath, [join(tools, 'pnpm/bin/pnpm.cjs'), ...args], { cwd: clone, env: fresh, timeout: 600_000, ...options })

let stageBegin = begin
const stage = (text) => {
  const now = performance.now()
  console.log(`-- ${text} (${((now - stageBegin) / 1000).toFixed(1)} s)`)
  stageBegin = now
}

const publish = async (registry) => {
  // No proxy is there: a request to any host but loopback has nowhere to go.
  const nowhere = 'http://127.0.0.1:9/'
  const settings = join(folder, 'publish.npmrc')
  const host = registry.origin.replace('http:', '')
  writeFileSync(settings, `${scope}:registry=${registry.origin}\n${host}:_authToken=${registry.token}\n`)
  writeFileSync(join(clone, '.npmrc'), `${scope}:registry=${registry.origin}\n`)
  const env = {
    ...fresh,
    NPM_CONFIG_USERCONFIG: settings,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    npm_config_proxy: nowhere,
    npm_config_https_proxy: nowhere,
    NO_PROXY: '127.0.0.1',
    npm_config_noproxy: '127.0.0.1',
    npm_config_fetch_retries: '0',
  }
  const packages = publicPackages(clone)
  await verifyTarget(packages, scope, registry.origin, async (cwd, key) => [
    (await pnpm(['config', 'get', key], { cwd, env })).trim(),
    (await run('npm', ['config', 'get', key], { cwd, env })).trim(),
  ])
  stage(`every package resolves to ${registry.origin}`)
  await pnpm(['publish', '--recursive', '--filter', './packages/*', '--no-git-checks', '--access', 'public'], { env })
  const published = registry.published()
  for (const { manifest } of packages) {
    const [arrived] = published.get(manifest.name) ?? []
    if (arrived?.version !== manifest.version) throw new Error(`${manifest.name}@${manifest.version} has not arrived`)
    const text = JSON.stringify({ ...arrived.exports, ...arrived.dependencies, ...arrived.peerDependencies })
    if (/workspace:|catalog:|@posttask\/source/.test(text))
      throw new Error(`the manifest of ${manifest.name} means something in the workspace only: ${text}`)
  }
  stage(`published ${packages.map(({ manifest }) => `${manifest.name}@${manifest.version}`).join(', ')}`)
}

/** How the entry points of a package are imported. */
const entriesOf = ({ manifest: { name, exports } }) =>
  Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => name + path.slice(1))

const install = async (group, registry) => {
  const cwd = join(folder, group.folder)
  cpSync(join(clone, 'scripts/rehearsal/consumers', group.folder), cwd, { recursive: true })
  writeFileSync(
    join(cwd, 'package.json'),
    JSON.stringify({ private: true, type: group.folder === 'commonjs' ? 'commonjs' : 'module' }),
  )
  writeFileSync(join(cwd, '.npmrc'), `${scope}:registry=${registry.origin}\n`)
  writeFileSync(join(cwd, 'entries.json'), JSON.stringify(publicPackages(clone).flatMap(entriesOf)))
  const packages = [...group.packages, ...group.tools.map((name) => `${name}@${devDependencies[name]}`)]
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], { cwd, env: fresh })
  return cwd
}

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const isWanted = (group, { name }) => wanted.length === 0 || wanted.some((part) => `${group.folder}: ${name}`.includes(part))

const red = []
const green = []
const report = (name, error) => {
  if (error === undefined) green.push(name)
  else red.push(name)
  console.log(`${error === undefined ? 'green' : 'RED  '}  ${name}`)
  if (error !== undefined) console.log(String(error?.message ?? error).replace(/^/gm, '       '))
}

const useIn = async (group, registry) => {
  const consumers = group.consumers.filter((consumer) => isWanted(group, consumer))
  if (consumers.length === 0) return
  let cwd
  try {
    cwd = await install(group, registry)
  } catch (error) {
    for (const { name } of consumers) report(name, error)
    return
  }
  for (const { name, steps } of consumers) {
    try {
      let output = ''
      for (const [command, ...args] of steps) output = await run(command, args, { cwd, env: fresh, timeout: 120_000 })
      if (!output.includes('consumer ok')) throw new Error(`the program ended without its last line:\n${output}`)
      report(name)
    } catch (error) {
      report(name, error)
    }
  }
  stage(`${group.folder} done`)
}

const registry = await startRegistry(scope)
try {
  await run('git', ['clone', '--quiet', '--no-hardlinks', root, clone])
  await run('npm', ['install', '--prefix', join(folder, 'tools'), '--no-audit', '--no-fund', pnpmVersion], {
    cwd: folder,
    env: fresh,
  })
  await pnpm(['install', '--frozen-lockfile'])
  stage('cloned and installed')
  await pnpm(['exec', 'changeset', 'version'])
  await pnpm(['install', '--no-frozen-lockfile'])
  stage('versioned')
  await pnpm(['run', 'build'])
  stage('built')
  await publish(registry)
  const ours = publicPackages(clone).map(({ manifest }) => manifest.name)
  for (const group of groups(ours, await findChromium())) await useIn(group, registry)
} catch (error) {
  report('the release itself', error)
} finally {
  registry.close()
  if (process.argv.includes('--keep')) console.log(`kept ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
console.log(`-- ${((performance.now() - begin) / 1000).toFixed(0)} s in all`)
console.log(`${green.length} consumers green, ${red.length} red`)
process.exitCode = red.length === 0 && green.length > 0 ? 0 : 1
