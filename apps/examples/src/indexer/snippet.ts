import { printable } from './printable.ts'
import type { QueryTerm } from './query.ts'
import { wordsOf } from './words.ts'

/** The line of a file that answers a query best. */
export interface Snippet {
  /** Counted from 1. */
  readonly line: number
  /** The line, or the part of it around the first find, fit to be printed. */
  readonly text: string
  /** Where the finds stand in `text`: start and end, in order, none touching another. */
  readonly highlights: readonly (readonly [start: number, end: number])[]
}

const widest = 120

/** Picks the line with the most different terms, the first of those. Undefined where no line has any. */
export function findSnippet(text: string, terms: readonly QueryTerm[]): Snippet | undefined {
  let best: { line: number; content: string; score: number } | undefined
  let line = 0
  for (const content of text.split(/\r\n|\n|\r/)) {
    line += 1
    const score = countTerms(content, terms)
    if (score > (best?.score ?? 0)) best = { line, content, score }
    if (score === terms.length) break
  }
  return best && cut(best.line, best.content, terms)
}

/** Wraps every highlight of a snippet in what `mark` makes of it. */
export function highlight(snippet: Snippet, mark: (found: string) => string): string {
  let output = ''
  let position = 0
  for (const [start, end] of snippet.highlights) {
    output += snippet.text.slice(position, start) + mark(snippet.text.slice(start, end))
    position = end
  }
  return output + snippet.text.slice(position)
}

function countTerms(content: string, terms: readonly QueryTerm[]): number {
  const lower = content.toLowerCase()
  if (!terms.some(({ term }) => lower.includes(term))) return 0
  const found = new Set<QueryTerm>()
  for (const word of wordsOf(content)) for (const term of terms) if (answers(word.term, term)) found.add(term)
  return found.size
}

function cut(line: number, content: string, terms: readonly QueryTerm[]): Snippet {
  const finds = merge([...wordsOf(content)].filter((word) => terms.some((term) => answers(word.term, term))))
  const first = finds[0]?.[0] ?? 0
  const indent = content.length - content.trimStart().length
  const start = first - indent > widest - 20 ? Math.max(indent, first - 40) : indent
  const end = Math.min(content.trimEnd().length, start + widest)
  // Spelling a control character out moves what follows it, so the text is put together piece by piece.
  let text = start > indent ? '…' : ''
  let position = start
  const highlights: [number, number][] = []
  for (const [from, to] of finds) {
    if (to > end) break
    text += printable(content.slice(position, from))
    highlights.push([text.length, text.length + to - from])
    text += content.slice(from, to)
    position = to
  }
  text += printable(content.slice(position, end)) + (end < content.trimEnd().length ? '…' : '')
  return { line, text, highlights }
}

function answers(word: string, { term, isPrefix }: QueryTerm): boolean {
  return isPrefix ? word.startsWith(term) : word === term
}

function merge(words: readonly { readonly start: number; readonly end: number }[]): [number, number][] {
  const merged: [number, number][] = []
  for (const { start, end } of [...words].sort((left, right) => left.start - right.start || left.end - right.end)) {
    const last = merged.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}
