import { readdirSync, readFileSync } from 'node:fs'

/** As far from the sources as from what is built. */
const folder = new URL('../assets/', import.meta.url)

/** The file that begins; the others only declare. */
const main = 'page.js'

const importLines = /^import [^;]*? from '[^']+'\n/gm
const exportWords = /^export (?=const |class )/gm

/** The modules of the page as one script, which needs no other file. Their top-level names differ. */
export const pageScript = (): string => {
  const others = namesOfFiles().filter((name) => name.endsWith('.js') && name !== main)
  return [...others, main].map((name) => read(name).replace(importLines, '').replace(exportWords, '')).join('\n')
}

export const pageStyle = (): string => read('page.css')

const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')

const namesOfFiles = (): string[] => {
  try {
    return readdirSync(folder).toSorted()
  } catch (cause) {
    throw new Error(
      'The page of a trace is made from files of @posttask/diagnostics, which are not beside its code; leave the package out of the bundle (esbuild: --external:@posttask/diagnostics), or write the trace as JSON',
      { cause },
    )
  }
}
