import { loadExport, ModuleLoadError } from '@posttask/core'
import { expect, test } from 'vitest'

const fixture = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).href

test('F6 a TypeScript module that Node refuses names the page that says what to do', async () => {
  const outcome = loadExport(fixture('typescript-refused.ts'), 'answer')
  await expect(outcome).rejects.toThrow(ModuleLoadError)
  await expect(outcome).rejects.toThrow(
    /Unknown file extension "\.ts"[\s\S]*TypeScript[\s\S]*docs\/worker-modules-and-bundlers\.md#typescript[\s\S]*docs\/testing-with\.md/,
  )
})

test('F6 a TypeScript module that fails by itself, or is not there, says nothing of TypeScript', async () => {
  const fails = loadExport(fixture('typescript-throws.ts'), 'answer')
  await expect(fails).rejects.toThrow('a fault of its own')
  await expect(fails).rejects.not.toThrow(/worker-modules/)
  const missing = loadExport(fixture('not-there.js'), 'answer')
  await expect(missing).rejects.toThrow(ModuleLoadError)
  await expect(missing).rejects.not.toThrow(/worker-modules/)
})
