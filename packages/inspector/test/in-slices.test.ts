import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('a long list is visited with turns of the event loop in between, in a process that has nothing else to do', async () => {
  const program = fileURLToPath(new URL('./fixtures/visit-slowly.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, program])
  expect(stdout).toBe('64 visited, the event loop turned: true\n')
})
