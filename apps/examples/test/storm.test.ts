import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../../scripts/storm.ts', import.meta.url))
const register = new URL('../../../scripts/register-typescript.mjs', import.meta.url).href

test.each([
  ['piscina', '--batch'],
  ['piscina', '--no-batch'],
  ['tinypool', '--batch'],
])(
  'F1 F4 F5 C1 C2 C3 E3 a storm of faults on %s with %s: every task one outcome of its kind, none twice, and an end',
  async (backend, batch) => {
    const options = ['--tasks', '400', '--rounds', '200', '--seed', '7', '--backend', backend, batch]
    const args = ['--conditions=@posttask/source', '--import', register, script, ...options]
    // That the process ends by itself is part of the check: nothing of the pool keeps it alive.
    const { stdout, stderr } = await run(process.execPath, args).catch((error: { stdout: string; stderr: string }) => error)
    expect(stdout).toContain('400 tasks, 200 races, 0 wrong')
    expect(stderr).toBe('')
  },
  60_000,
)
