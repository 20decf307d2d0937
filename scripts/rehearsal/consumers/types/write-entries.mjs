// Writes what both projects compile, the one of ES modules and the one of CommonJS: bindings.ts, and a module that imports every
// entry point that was published, whatever is published.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'

/** These name types of packages whose own declarations do not stand a strict compilation: see bindings.ts. */
const isLeftOut = (entry) => /^@posttask\/testing\/(?:fast-check|vitest)$/.test(entry)

const entries = JSON.parse(readFileSync('entries.json', 'utf8')).filter((entry) => !isLeftOut(entry))
const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'\n`)
const names = entries.map((_, index) => `entry${index}`)
const module = `${imports.join('')}export const entries: readonly object[] = [${names.join(', ')}]\n`
for (const folder of ['.', 'commonjs']) writeFileSync(`${folder}/every-entry.ts`, module)
copyFileSync('bindings.ts', 'commonjs/bindings.ts')
