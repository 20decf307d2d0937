import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import type { Results } from './results.ts'

/** Where the figures come from: without it they mean nothing. */
export const describeMachine = (): Results['machine'] => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()} ${process.arch}`,
  node: process.version,
  v8: process.versions.v8,
})

/** The versions of the packages that are installed beside the benchmarks. */
export const installedVersions = (packages: Iterable<string>): Results['versions'] => {
  const versions: Record<string, string> = {}
  for (const name of new Set(packages)) {
    const manifest = readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')
    versions[name] = (JSON.parse(manifest) as { version: string }).version
  }
  return versions
}
