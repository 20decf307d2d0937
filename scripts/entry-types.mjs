// The last step of a package's build: how its declarations look to each kind of importer. Run in the package's folder.
//
// There is one set of declarations, in dist/types, so that a class is one type for everybody. The package.json written there
// makes it CommonJS: only then does every TypeScript let a CommonJS file import it. For ES modules each entry point is there
// a second time, as `.d.mts`. Without that the compiler would allow a default import, which fails at run time, and a binding
// would name the CommonJS types of its test tool.
import { readFileSync, writeFileSync } from 'node:fs'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))

writeFileSync('dist/types/package.json', '{ "type": "commonjs" }\n')
for (const { types } of Object.values(exports)) {
  if (types === undefined) continue
  const declarations = readFileSync(types.require, 'utf8')
  if (/^export (?:default |declare (?:abstract )?class )/m.test(declarations))
    throw new Error(`${types.require}: an entry point must re-export its classes, or they would be two types each`)
  writeFileSync(types.default, declarations)
}
