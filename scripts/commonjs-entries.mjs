// The last step of a package's build: what it gives to CommonJS. Run in the package's folder.
//
// There is one set of declarations, in dist/types, so that a class is one type for everybody. The package.json written there
// makes it CommonJS: only then does every TypeScript let a CommonJS file import it. For ES modules each entry point is there
// a second time, as `.d.mts`. Without that the compiler would allow a default import, which fails at run time, and a binding
// would name the CommonJS types of its test tool.
//
// The code stays one as well: what require() finds is a `.cjs` that requires the ES module.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))

writeFileSync('dist/types/package.json', '{ "type": "commonjs" }\n')
for (const target of Object.values(exports)) {
  if (typeof target === 'string') continue
  const declarations = readFileSync(target.require.types, 'utf8')
  if (/^export (?:default |declare (?:abstract )?class )/m.test(declarations))
    throw new Error(`${target.require.types}: an entry point must re-export its classes, or they would be two types each`)
  writeFileSync(target.types, declarations)
  writeFileSync(target.require.default, `module.exports = require('./${basename(target.default)}')\n`)
}
