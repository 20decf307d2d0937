// Where a publish would go, asked of the tools that publish. Nothing leaves for anywhere but loopback.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** True for an address that cannot leave this machine. */
const isLoopback = (address) => {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === '[::1]')
}

/** The packages of a checkout that get published, with their manifests. */
export const publicPackages = (checkout) =>
  readdirSync(join(checkout, 'packages'))
    .map((name) => join(checkout, 'packages', name))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => manifest.private !== true)

/**
 * Throws unless every package resolves to `origin`. `ask(folder, key)` gives what the publishing tool itself makes of its
 * settings there: files, environment and command line together.
 */
export const verifyTarget = async (packages, scope, origin, ask) => {
  if (!isLoopback(origin)) throw new Error(`the registry of the rehearsal is not on loopback: ${origin}`)
  for (const { folder, manifest } of packages) {
    const { name, publishConfig } = manifest
    if (!name.startsWith(`${scope}/`)) throw new Error(`${name} is outside of ${scope}: its registry is not pinned`)
    const overrides = Object.keys(publishConfig ?? {}).filter((key) => key.endsWith('registry'))
    if (overrides.length > 0) throw new Error(`${name} has a registry of its own: publishConfig.${overrides.join(', ')}`)
    for (const resolved of await ask(folder, `${scope}:registry`)) {
      if (resolved !== origin)
        throw new Error(`${name} would be published to ${resolved || 'the default registry'}, not to ${origin}`)
    }
  }
}
