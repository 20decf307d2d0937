/** One word of a text: where it stands and what it is searched by. */
export interface Word {
  readonly start: number
  readonly end: number
  /** Lower case. */
  readonly term: string
}

/** Longer runs of letters are data, not words: hashes, base64. */
const longestWord = 64

const asciiName = /[A-Za-z0-9_$]+/g
const anyName = /[\p{L}\p{M}\p{N}_$]+/gu
const asciiPart = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+/g
const anyPart = /\p{Lu}?[\p{Ll}\p{Lo}\p{M}]+|\p{Lu}+(?!\p{Ll})|\p{N}+/gu
const isAscii = /^[\0-\x7f]*$/
/** Where a name may fall into parts: a separator in it, or a change of case or kind. */
const asciiHasParts = /[_$0-9]|[a-z][A-Z]|[A-Z]{2}[a-z]/
const anyHasParts = /[_$\p{N}]|\P{Lu}\p{Lu}|\p{Lu}{2}\p{Ll}/u

/**
 * The words that code is searched by: every name as a whole, then its parts. `getUserName` gives `getusername`, `get`,
 * `user`, `name`; `MAX_SIZE` gives `max_size`, `max`, `size`. In the order of the text.
 */
export function* wordsOf(text: string): Generator<Word> {
  const ascii = isAscii.test(text)
  for (const found of text.matchAll(ascii ? asciiName : anyName)) {
    const name = found[0]
    if (name.length > longestWord) continue
    yield { start: found.index, end: found.index + name.length, term: name.toLowerCase() }
    if (!(ascii ? asciiHasParts : anyHasParts).test(name)) continue
    for (const part of name.matchAll(ascii ? asciiPart : anyPart)) {
      if (part[0].length === name.length) continue
      const start = found.index + part.index
      yield { start, end: start + part[0].length, term: part[0].toLowerCase() }
    }
  }
}

/**
 * More occurrences of a term in one file say nothing new: the rank by bm25 is nearly saturated by then. Without this
 * a few generated files would be most of the index.
 */
const countedOccurrences = 16

/**
 * The terms of {@link wordsOf} as the full-text index is given them: each as often as it occurs, 16 times a name at the
 * most, with spaces between. Not in the order of the text: nobody searches for phrases.
 */
export function indexText(text: string): string {
  const ascii = isAscii.test(text)
  const names = new Map<string, number>()
  for (const name of text.match(ascii ? asciiName : anyName) ?? []) {
    if (name.length <= longestWord) names.set(name, (names.get(name) ?? 0) + 1)
  }
  let output = ''
  // Most names come often, and are taken apart once.
  for (const [name, occurrences] of names) {
    let terms = `${name} `
    if ((ascii ? asciiHasParts : anyHasParts).test(name)) {
      for (const part of name.match(ascii ? asciiPart : anyPart) ?? []) if (part.length < name.length) terms += `${part} `
    }
    output += occurrences === 1 ? terms : terms.repeat(Math.min(occurrences, countedOccurrences))
  }
  return output.toLowerCase()
}
