import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { taskModule } from '@posttask/core'
import { type SearchCommand, UsageError } from './arguments.ts'
import type { Match } from './database.ts'
import { decode } from './decode.ts'
import { defaultDatabase } from './default-database.ts'
import { formatFiles } from './figures.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './printable.ts'
import { matchExpression, parseQuery, type QueryTerm } from './query.ts'
import { readSource } from './read.ts'
import { openRunners } from './runners.ts'
import { findSnippet, highlight, type Snippet } from './snippet.ts'

const database = taskModule<typeof import('./database.ts')>(new URL('./database.ts', import.meta.url))

/** One file that was found. */
interface Hit {
  readonly path: string
  /** Rank by bm25, higher is better. */
  readonly score: number
  /** Undefined where the file is gone, or has changed so that the words are in it no more. */
  readonly snippet: Snippet | undefined
  /** The file is not as it was when it was indexed. */
  readonly isStale: boolean
}

/** Prints what the index holds for some words. Returns the exit code: 0, or 1 if it holds nothing. Rejects if the search failed. */
export async function runSearchCommand(command: SearchCommand): Promise<number> {
  const terms = parseQuery(command.words)
  if (terms.length === 0) throw new UsageError(`"${command.words.join(' ')}" holds no word to search for`)
  const file = command.database ?? defaultDatabase(undefined, process.env)
  if (!existsSync(file))
    throw new Error(
      `there is no index ${file}: make one with "pnpm demo [DIR]"${command.database === undefined ? '' : ' and the same --db'}`,
    )

  const runners = await openRunners(command.backend, 1)
  try {
    await runners.database.run(database.openForSearch(file))
    const { total, matches } = await runners.database.run(database.search(matchExpression(terms), command.limit))
    const paint = paintFor(process.stdout, process.env)
    const print = (event: object, text: () => string): void => {
      process.stdout.write(command.json ? `${JSON.stringify(event)}\n` : text())
    }
    let rank = 0
    for await (const hit of runners.disk.map(matches, (match) => lookUp(match, terms), { name: 'look up' })) {
      rank += 1
      print({ event: 'hit', rank, ...hit }, () => renderHit(hit, rank, command.folder, paint))
    }
    print({ event: 'summary', total, shown: rank }, () => closingLine(total, rank, paint))
    await runners.database.run(database.close())
    await runners.close()
    return total === 0 ? 1 : 0
  } catch (error) {
    await runners.terminate()
    throw error
  }
}

async function lookUp(match: Match, terms: readonly QueryTerm[]): Promise<Hit> {
  const { path, score } = match
  const found = await stat(path).catch(() => undefined)
  const source = found === undefined ? undefined : await readSource({ path, size: found.size, mtime: found.mtimeMs })
  const text = source !== undefined && 'bytes' in source ? decode(source.bytes)?.text : undefined
  return {
    path,
    score: Number(score.toFixed(4)),
    snippet: text === undefined ? undefined : findSnippet(text, terms),
    isStale: found?.size !== match.size || found.mtimeMs !== match.mtime,
  }
}

/** A hit for people: the place on one line, the snippet under it. */
function renderHit({ path, score, snippet, isStale }: Hit, rank: number, folder: string, paint: Paint): string {
  const near = relative(folder, path)
  const place = printable(near.startsWith('..') ? path : near) + (snippet === undefined ? '' : `:${snippet.line}`)
  const remark = isStale ? `  ${paint.warning(snippet === undefined ? 'gone or changed since' : 'changed since')}` : ''
  const head = `${String(rank).padStart(2)}. ${paint.strong(place)}  ${paint.faint(score.toFixed(2))}${remark}\n`
  return snippet === undefined ? head : `${head}      ${highlight(snippet, paint.found)}\n`
}

function closingLine(total: number, shown: number, paint: Paint): string {
  if (total === 0) return 'Nothing found.\n'
  const text = shown === total ? formatFiles(total) : `the best ${shown} of ${formatFiles(total)} (--limit N for more)`
  return `${paint.faint(text)}\n`
}
