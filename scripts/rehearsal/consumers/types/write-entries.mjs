// Writes a module that imports every entry point that was published, whatever is published, for the strict compilation.
import { readFileSync, writeFileSync } from 'node:fs'

/** These name types of packages whose own declarations do not stand the strict compilation; or of vitest, which is not here. */
const isLeftOut = (entry) => /^@posttask\/(?:backend-(?:piscina|tinypool)|testing\/vitest)$/.test(entry)

const entries = JSON.parse(readFileSync('entries.json', 'utf8')).filter((entry) => !isLeftOut(entry))
const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'\n`)
const names = entries.map((_, index) => `entry${index}`)
writeFileSync('every-entry.ts', `${imports.join('')}export const entries: readonly object[] = [${names.join(', ')}]\n`)
