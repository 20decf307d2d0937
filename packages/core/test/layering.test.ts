import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const backends = ['@posttask/backend-inline', '@posttask/backend-piscina', '@posttask/backend-tinypool']

/** What the sources of a package may import beside themselves and `node:`; its manifest may name no more than that. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/backend-inline': ['@posttask/core'],
  'packages/backend-piscina': ['@posttask/core', 'piscina'],
  'packages/backend-tinypool': ['@posttask/core', 'tinypool'],
  'packages/testing': ['@posttask/core', 'vitest', 'fast-check'],
  'packages/event-bus': ['@posttask/core'],
  'packages/prometheus': ['@posttask/core', 'prom-client'],
  'packages/diagnostics': ['@posttask/core'],
  'packages/inspector': ['@posttask/core', '@posttask/diagnostics'],
  'packages/opentelemetry': ['@posttask/core', '@opentelemetry/api'],
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => file.endsWith('.ts') && statSync(file).isFile())

/** Static, dynamic and type-only imports alike: a type that is imported is needed by whoever compiles against us. */
/** Types that are added to a module of others are no import of it. */
const importsOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8')
  const names = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  return names.filter((name) => !text.includes(`declare module '${name}'`))
}

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

const isRelative = (specifier: string): boolean => specifier.startsWith('.')

interface Manifest {
  readonly name: string
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest

describe('layering: core imports nothing, backends import core only, nobody imports a backend but apps', () => {
  test('every package is listed here', () => {
    const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)
    expect(folders.sort()).toEqual(Object.keys(mayImport).sort())
  })

  test.each(Object.entries(mayImport))('%s: the manifest asks for no other package', (folder, allowed) => {
    const { dependencies, peerDependencies, optionalDependencies } = manifestOf(folder)
    const asked = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
    expect(asked.filter((name) => !allowed.includes(name))).toEqual([])
  })

  test.each(Object.entries(mayImport))('%s: the sources import no other package', (folder, allowed) => {
    const strangers = filesBelow(join(root, folder, 'src')).flatMap((file) =>
      importsOf(file)
        .filter(
          (specifier) => !isRelative(specifier) && !specifier.startsWith('node:') && !allowed.includes(packageOf(specifier)),
        )
        .map((specifier) => `${relative(root, file)} imports ${specifier}`),
    )
    expect(strangers).toEqual([])
  })

  test.each(Object.keys(mayImport))('%s: a relative import stays within the package', (folder) => {
    const source = join(root, folder, 'src')
    const escapes = filesBelow(source).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => isRelative(specifier) && relative(source, resolve(dirname(file), specifier)).startsWith('..'))
        .map((specifier) => `${relative(root, file)} imports ${specifier}`),
    )
    expect(escapes).toEqual([])
  })

  test('no library package names a backend, not even for its own development', () => {
    const naming = Object.keys(mayImport).filter((folder) => {
      const { name } = manifestOf(folder)
      const text = readFileSync(join(root, folder, 'package.json'), 'utf8')
      return backends.some((backend) => backend !== name && text.includes(`"${backend}"`))
    })
    expect(naming).toEqual([])
  })
})

describe('layering: core runs wherever JavaScript runs', () => {
  const source = join(root, 'packages/core/src')

  const graphFrom = (entry: string): Set<string> => {
    const seen = new Set([entry])
    for (const file of seen) {
      for (const specifier of importsOf(file).filter(isRelative)) seen.add(resolve(dirname(file), specifier))
    }
    return seen
  }

  test('nothing that the main entry reaches imports from node:', () => {
    const graph = [...graphFrom(join(source, 'index.ts'))]
    expect(graph.filter((file) => !existsSync(file))).toEqual([])
    expect(graph.flatMap((file) => importsOf(file).filter((specifier) => !isRelative(specifier)))).toEqual([])
  })

  test('the main entry reaches nothing of the worker entry', () => {
    const graph = [...graphFrom(join(source, 'index.ts'))].map((file) => relative(source, file).replaceAll('\\', '/'))
    expect(graph.filter((file) => file.startsWith('worker/'))).toEqual([])
  })

  test('only the clock asks the host for time', () => {
    const doors = ['clock.ts', 'system-clock.ts']
    const globals = ['setTimeout', 'setInterval', 'setImmediate', 'performance']
    const asking: string[] = []
    for (const file of filesBelow(source)) {
      const name = relative(source, file).replaceAll('\\', '/')
      if (doors.includes(name) || name.startsWith('worker/')) continue
      const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext, true)
      const visit = (node: ts.Node): void => {
        const isGlobal = ts.isIdentifier(node) && globals.includes(node.text)
        const isDate = ts.isIdentifier(node) && node.text === 'Date' && !ts.isTypeReferenceNode(node.parent)
        if (isGlobal || isDate) asking.push(`${name}: ${node.parent.getText(tree)}`)
        ts.forEachChild(node, visit)
      }
      visit(tree)
    }
    expect(asking).toEqual([])
  })
})
