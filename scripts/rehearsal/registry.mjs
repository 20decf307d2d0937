// The least registry that npm and pnpm can publish to and install from: this process's memory, on loopback, one scope.
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

const bodyOf = async (request) => {
  const parts = []
  for await (const part of request) parts.push(part)
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}

/** Starts a registry for `scope` on a free port of 127.0.0.1. */
export const startRegistry = async (scope) => {
  /** name -> { versions, tags, tarballs } */
  const packages = new Map()
  const token = randomUUID()
  let origin = ''

  const publish = async (request, name) => {
    const { versions, 'dist-tags': tags, _attachments: attachments } = await bodyOf(request)
    const known = packages.get(name) ?? { versions: {}, tags: {}, tarballs: new Map() }
    for (const [version, manifest] of Object.entries(versions)) {
      if (version in known.versions) return [409, { error: `${name}@${version} is published already` }]
      const [attachment] = Object.values(attachments)
      const tarball = Buffer.from(attachment.data, 'base64')
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
      if (manifest.dist?.integrity !== integrity)
        return [400, { error: `${name}@${version}: the tarball is not what its manifest says` }]
      known.tarballs.set(version, tarball)
      known.versions[version] = { ...manifest, dist: { ...manifest.dist, tarball: `${origin}${name}/-/${version}.tgz` } }
    }
    Object.assign(known.tags, tags)
    packages.set(name, known)
    return [201, { ok: true }]
  }

  const answer = async (request) => {
    const path = decodeURIComponent(new URL(request.url, origin).pathname).slice(1)
    const [name, file] = path.split('/-/')
    if (!name.startsWith(`${scope}/`)) return [404, { error: `only ${scope} lives here` }]
    if (request.method === 'PUT') {
      if (request.headers.authorization !== `Bearer ${token}`) return [401, { error: 'the token is another' }]
      return publish(request, name)
    }
    const known = packages.get(name)
    if (known === undefined) return [404, { error: `${name} was not published` }]
    if (file !== undefined) return [200, known.tarballs.get(file.replace(/\.tgz$/, ''))]
    return [200, { name, 'dist-tags': known.tags, versions: known.versions }]
  }

  const server = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => {
        const isTarball = Buffer.isBuffer(body)
        response.writeHead(status, { 'content-type': isTarball ? 'application/octet-stream' : 'application/json' })
        response.end(isTarball ? body : JSON.stringify(body))
      },
      (error) => response.writeHead(500).end(JSON.stringify({ error: String(error) })),
    )
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${server.address().port}/`
  return {
    origin,
    token,
    /** name -> the manifests of its versions */
    published: () => new Map([...packages].map(([name, { versions }]) => [name, Object.values(versions)])),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
