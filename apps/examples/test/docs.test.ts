import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { writeDocSamples } from './doc-samples.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
// In the workspace, so that imports resolve; in a folder that git ignores; and of this run alone, for another may go on.
const ignored = fileURLToPath(new URL('../.vitest/', import.meta.url))
mkdirSync(ignored, { recursive: true })
const folder = mkdtempSync(join(ignored, 'docs-'))
const baseConfig = fileURLToPath(new URL('../tsconfig.json', import.meta.url))
const register = new URL('../../../scripts/register-typescript.mjs', import.meta.url).href
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

const samples = writeDocSamples(root, folder, baseConfig)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the samples of the documentation', () => {
  test('have the types that the packages declare', { timeout: 120_000 }, async () => {
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  test.each(samples.filter(({ isProgram }) => isProgram))(
    '$title runs, and prints what the page says',
    { timeout: 60_000 },
    async (sample) => {
      const args = ['--disable-warning=ExperimentalWarning', '--conditions=@posttask/source', '--import', register, sample.file]
      const { stdout, stderr } = await run(process.execPath, args)
      expect(stderr).toBe('')
      if (sample.prints !== undefined) expect(stdout).toBe(sample.prints)
    },
  )
})
