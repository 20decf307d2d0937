import { ModuleLoadError } from './errors.ts'
import { intrinsics } from './intrinsics.ts'

const { hasOwn, keys } = Object
const { isArray } = Array

/** The address of bound-object-host.ts in a bound task. It is not that of a file: in a bundle the module has none. */
export const boundObjectHost = 'posttask:bound-object-host'

type TaskFunction = (...args: never[]) => unknown

type Exports = Record<string, unknown>

/**
 * Named and default exports, of ES modules and of CommonJS ones, whose exports Node puts below `default` where it
 * cannot read their names, and whose own `default` always lies there.
 */
const find = (module: Exports, name: string): unknown => {
  const fallback = module['default'] as Exports | undefined
  const isContainer = (typeof fallback === 'object' && fallback !== null) || typeof fallback === 'function'
  const below = isContainer ? fallback[name] : undefined
  const direct = hasOwn(module, name) ? module[name] : undefined
  if (typeof direct === 'function') return direct
  return typeof below === 'function' ? below : (direct ?? below)
}

const kindOf = (value: unknown): string => (value === null ? 'null' : isArray(value) ? 'an array' : `of type ${typeof value}`)

/** What Node says to TypeScript that it cannot load as it is. */
const refusesTypeScript: ReadonlySet<unknown> = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
])

const remedyFor = (url: string, cause: unknown): string =>
  /\.[cm]?tsx?(?:[?#]|$)/.test(url) && refusesTypeScript.has((cause as { code?: unknown } | null | undefined)?.code)
    ? '; Node loads it there, without the TypeScript of your bundler or test runner: see docs/worker-modules-and-bundlers.md#typescript, and for tests docs/testing-with.md#typescript-workers'
    : ''

/**
 * Loads a module and gives one of its exported functions.
 * @throws ModuleLoadError naming module and export, with the cause: no such file, a syntax error, a module that throws,
 *   no such export, or one that is not a function
 */
export const loadExport = async (url: string, name: string): Promise<TaskFunction> => {
  let module: Exports
  try {
    module = (await (url === boundObjectHost ? import('./bound-object-host.ts') : import(url))) as Exports
  } catch (cause) {
    const reason = cause instanceof intrinsics.Error ? cause.message : intrinsics.String(cause)
    throw new ModuleLoadError(
      `module ${url}, asked for its export "${name}", could not be loaded: ${reason}${remedyFor(url, cause)}`,
      url,
      name,
      {
        cause,
      },
    )
  }
  const found = find(module, name)
  if (typeof found === 'function') return found as TaskFunction
  if (found !== undefined)
    throw new ModuleLoadError(`export "${name}" of module ${url} is ${kindOf(found)}, not a function`, url, name)
  const names = keys(module).join(', ') || 'nothing'
  throw new ModuleLoadError(`module ${url} has no export "${name}"; it exports ${names}`, url, name)
}
