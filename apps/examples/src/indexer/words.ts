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

/** The whole names of a text, as they are written. Not the longest ones, which are data. */
export function namesOf(text: string): string[] {
  const names = text.match(isAscii.test(text) ? asciiName : anyName) ?? []
  return names.filter((name) => name.length <= longestWord)
}

/** The parts of a name, as they are written; none where it is one word. */
export function partsOf(name: string): string[] {
  const ascii = isAscii.test(name)
  if (!(ascii ? asciiHasParts : anyHasParts).test(name)) return []
  return (name.match(ascii ? asciiPart : anyPart) ?? []).filter((part) => part.length < name.length)
}
