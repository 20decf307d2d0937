import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type BackendName, backendNames } from './backend.ts'
import { parseBytes } from './figures.ts'

/** What both commands take. */
interface CommonOptions {
  readonly backend: BackendName
  /** The index file, absolute, or undefined for the default one. */
  readonly database: string | undefined
  readonly json: boolean
}

/** `[DIR]` */
export interface IndexCommand extends CommonOptions {
  readonly command: 'index'
  /** Absolute, or undefined for this workspace's own node_modules. */
  readonly directory: string | undefined
  /** Threads that tokenise, at least 1. */
  readonly jobs: number
  /** Bytes. */
  readonly maxSize: number
  readonly quiet: boolean
  /** The file for what the tasks did, absolute, for Chrome's DevTools or as a page; undefined for none. */
  readonly trace: string | undefined
  /** The port of a live page of the run, 0 for a free one; undefined for none. */
  readonly inspect: number | undefined
}

/** `search WORDS` */
export interface SearchCommand extends CommonOptions {
  readonly command: 'search'
  readonly words: readonly string[]
  readonly limit: number
  /** Files in here are shown by relative paths. */
  readonly folder: string
}

/** The command line is wrong. The message says what about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `A local code search.

  pnpm demo [DIR] [options]           index a tree of source files (default: this workspace's node_modules)
  pnpm demo search WORDS [options]    print the files that hold all of the words, best first

Searching is by whole names and by the parts of names: "user" finds getUserName. WORD* finds what begins so.

  --backend NAME   where files are tokenised: piscina (default), tinypool, or inline (no threads)
  --db FILE        the index (default: posttask-demo/index.sqlite in the cache folder, $XDG_CACHE_HOME or ~/.cache)
  --json           one JSON object a line, to the output
  --jobs N         threads that tokenise (default: one less than there are cores)
  --max-size SIZE  skip larger files, such as 500kB or 10MB (default: 2MB)
  --quiet          print nothing unless the run as a whole fails
  --trace FILE     what every task did: for Chrome's DevTools, or with a name that ends in .html as a page
  --inspect [PORT] serve a live page of the run on 127.0.0.1, and print its URL to the error stream
  --limit N        search: how many files to print (default: 10)
  --help           print this

Left out: .git folders, *.map files, what symbolic links lead to. Ctrl-C commits what was read and exits with 130.
Relative paths start where pnpm was called.
Exit code: 0 done, 1 the run as a whole failed, 2 wrong usage, 130 interrupted.
Exit code of search, as of grep: 0 found, 1 nothing found, 2 the search failed or wrong usage.
`

/** Reads the command line; relative paths start at `folder`. Throws `UsageError`. */
export function parseCommand(
  args: readonly string[],
  folder: string = process.cwd(),
): IndexCommand | SearchCommand | { readonly command: 'help' } {
  const { values, positionals } = parse(args)
  if (values.help) return { command: 'help' }
  const pathOf = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(folder, path))
  const common = { backend: backendOf(values.backend), database: pathOf(values.db), json: values.json }
  const [first, ...rest] = positionals
  if (first === 'search') {
    for (const option of ['inspect', 'jobs', 'max-size', 'quiet', 'trace'] as const) {
      if (values[option] !== undefined) throw new UsageError(`--${option} means nothing to search`)
    }
    if (rest.length === 0) throw new UsageError('search needs at least one word')
    return { command: 'search', ...common, words: rest, limit: countOf('limit', values.limit, 10), folder }
  }
  if (values.limit !== undefined) throw new UsageError('--limit is for search only')
  if (rest.length > 0)
    throw new UsageError(`one directory at a time, not ${positionals.length} (to search: pnpm demo search WORDS)`)
  return {
    command: 'index',
    ...common,
    directory: pathOf(first),
    jobs: countOf('jobs', values.jobs, Math.max(1, availableParallelism() - 1)),
    maxSize: sizeOf(values['max-size']),
    quiet: values.quiet ?? false,
    trace: pathOf(values.trace),
    inspect: values.inspect === undefined ? undefined : portOf(values.inspect),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: args.flatMap((arg, index) => withPort(arg, args[index + 1], args[index - 1])),
      allowPositionals: true,
      options: {
        backend: { type: 'string', default: 'piscina' },
        db: { type: 'string' },
        inspect: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
        jobs: { type: 'string' },
        json: { type: 'boolean', default: false },
        limit: { type: 'string' },
        'max-size': { type: 'string' },
        quiet: { type: 'boolean' },
        trace: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function backendOf(name: string): BackendName {
  const found = backendNames.find((known) => known === name)
  if (found === undefined) throw new UsageError(`--backend is one of ${backendNames.join(', ')}, not "${name}"`)
  return found
}

function countOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`--${option} is a whole number from 1, not "${text}"`)
  return count
}

/** The value of `--inspect` is optional, and a number: anything else behind it is something else. */
function withPort(arg: string, next: string | undefined, previous: string | undefined): readonly string[] {
  const isPort = (text: string | undefined): boolean => text !== undefined && /^\d+$/.test(text)
  if (arg === '--inspect') return [`--inspect=${isPort(next) ? next : 0}`]
  return previous === '--inspect' && isPort(arg) ? [] : [arg]
}

function portOf(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`--inspect takes a port, up to 65535, not "${text}"`)
  return port
}

function sizeOf(text: string | undefined): number {
  const bytes = parseBytes(text ?? '2MB')
  if (bytes === undefined || bytes < 1) throw new UsageError(`--max-size is a size such as 500kB or 10MB, not "${text}"`)
  return bytes
}
