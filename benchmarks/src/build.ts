import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = new URL('../../', import.meta.url)
const here = new URL('../', import.meta.url)

/** Where the benchmarks themselves are built to. */
export const builtFolder: URL = new URL('dist/', here)

const measuredPackages = [
  'core',
  'backend-inline',
  'backend-piscina',
  'backend-tinypool',
  'diagnostics',
  'prometheus',
  'opentelemetry',
] as const

/** Time of the newest file below a folder, in ms; 0 where there is none. */
const newest = (folder: URL): number => {
  if (!existsSync(folder)) return 0
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Math.max(0, ...files.map((file) => statSync(`${file.parentPath}/${file.name}`).mtimeMs))
}

/** Builds the packages that are measured, where `dist` is missing or older than the sources. */
const buildPackages = (log: (line: string) => void): void => {
  for (const name of measuredPackages) {
    const folder = new URL(`packages/${name}/`, root)
    const built = new URL('dist/index.js', folder)
    if (existsSync(built) && statSync(built).mtimeMs >= newest(new URL('src/', folder))) continue
    log(`building ${name}`)
    const tool = (script: string, ...args: string[]) =>
      spawnSync(process.execPath, [fileURLToPath(new URL(`node_modules/${script}`, root)), ...args], {
        cwd: fileURLToPath(folder),
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      })
    const bundle = tool('tsup/dist/cli-default.js', '--silent')
    if (bundle.status !== 0) throw new Error(`packages/${name} does not build:\n${bundle.stdout}${bundle.stderr}`)
    const declarations = tool('typescript/bin/tsc', '-p', 'tsconfig.build.json')
    if (declarations.status !== 0) log(`packages/${name} has type errors; its JavaScript is measured all the same`)
  }
}

/** What becomes a file of its own: benchmarks, commands, and what runs in a thread. The rest goes into chunks. */
const entry = /^(b\d\d-.*|bench|profile|child|fixtures\/.*)\.ts$/

/** Builds what is measured and what measures, so that no loader and no source is in the way. */
export const buildAll = async (log: (line: string) => void): Promise<void> => {
  buildPackages(log)
  await build({
    entryPoints: readdirSync(new URL('src/', here), { recursive: true, encoding: 'utf8' })
      .filter((file) => entry.test(file))
      .map((file) => fileURLToPath(new URL(`src/${file}`, here))),
    outbase: fileURLToPath(new URL('src/', here)),
    outdir: fileURLToPath(builtFolder),
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  })
}
