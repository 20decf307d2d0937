import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folders = ['core/src/worker', 'backend-piscina/src', 'backend-tinypool/src']

test.each(folders)('declarations of %s name no type that some @types/node from 20 to 26 lacks', (folder) => {
  const url = new URL(`../../../${folder}/`, import.meta.url)
  const sources = readdirSync(url).filter((name) => name.endsWith('.ts'))
  expect(sources.filter((name) => /\bTransferListItem\b/.test(readFileSync(new URL(name, url), 'utf8')))).toEqual([])
})
