const takesValue = new Set(['--conditions', '-C', '--import', '--require', '-r', '--loader', '--experimental-loader'])

/**
 * What a thread's `execArgv` has to be where it can not just inherit its process's: under `node --input-type=module
 * --eval ...` no thread could load a file. Then only what decides how modules are found is kept. Undefined: inherit.
 */
export const inheritedExecArgv = (execArgv: readonly string[] = process.execArgv): string[] | undefined => {
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return undefined
  const kept: string[] = []
  for (const [index, flag] of execArgv.entries()) {
    const [name = flag] = flag.split('=', 1)
    if (!takesValue.has(name)) continue
    kept.push(flag)
    const value = execArgv[index + 1]
    if (name === flag && value !== undefined) kept.push(value)
  }
  return kept
}
