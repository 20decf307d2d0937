import { wordsOf } from './words.ts'

/** One word that is searched for. */
export interface QueryTerm {
  /** Lower case. */
  readonly term: string
  /** Written with a star at its end: every word that begins so. */
  readonly isPrefix: boolean
}

/** What the user asks for, cut as the indexed text is: `foo.barBaz` asks for `foo` and `barbaz`, `get*` for every word that begins with `get`. */
export function parseQuery(words: readonly string[]): QueryTerm[] {
  const terms = new Map<string, QueryTerm>()
  for (const text of words) {
    let end = 0
    for (const word of wordsOf(text)) {
      // The parts of a name follow it and lie inside of it.
      if (word.start < end) continue
      end = word.end
      const isPrefix = text[word.end] === '*'
      terms.set(isPrefix ? `${word.term}*` : word.term, { term: word.term, isPrefix })
    }
  }
  return [...terms.values()]
}

/** The FTS5 expression that finds the files with every one of these terms. */
export function matchExpression(terms: readonly QueryTerm[]): string {
  return terms.map(({ term, isPrefix }) => `"${term}"${isPrefix ? '*' : ''}`).join(' AND ')
}
