import { expect, test } from 'vitest'
import { inheritedExecArgv } from '../../src/worker/inherited-exec-argv.ts'

test('F1 a thread inherits all flags of its process', () => {
  expect(inheritedExecArgv(['--conditions=a', '--expose-gc'])).toBeUndefined()
})

test.each([
  [['--input-type=module', '--conditions=a', '--expose-gc', '--eval', 'code'], ['--conditions=a']],
  [
    ['--input-type=module', '-C', 'a', '--import', 'b.js', '--eval', 'code'],
    ['-C', 'a', '--import', 'b.js'],
  ],
  [
    ['--import=b.js', '--input-type', 'module', '--require'],
    ['--import=b.js', '--require'],
  ],
])('F1 of a program given as text, %j, it inherits how modules are found', (flags, kept) => {
  expect(inheritedExecArgv(flags)).toEqual(kept)
})
