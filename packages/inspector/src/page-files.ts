import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'

/** A file of the page. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** As far from the sources as from what is built. */
const folder = new URL('../assets/', import.meta.url)

/** The page and what belongs to it, by their paths. */
export const readPageFiles = async (): Promise<ReadonlyMap<string, PageFile>> => {
  const names = (await readdir(folder)).filter((name) => extname(name) in types)
  const files = await Promise.all(
    names.map(async (name): Promise<[string, PageFile]> => {
      const body = await readFile(new URL(name, folder))
      return [name === 'index.html' ? '/' : `/${name}`, { type: types[extname(name)] as string, body }]
    }),
  )
  return new Map(files)
}
