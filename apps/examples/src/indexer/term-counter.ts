import { namesOf, partsOf } from './words.ts'

/**
 * More occurrences of a name in one file say nothing new: the rank by bm25 is nearly saturated by then. Without this
 * a few generated files would be most of the index.
 */
const countedOccurrences = 16

/** Gathers the words of one file for the full-text index, from pieces of its text. */
export class TermCounter {
  readonly #names = new Map<string, number>()

  /** Adds a piece of the text. No word may go on in the next one: see {@link piecesOf}. */
  add(text: string): void {
    for (const name of namesOf(text)) this.#names.set(name, (this.#names.get(name) ?? 0) + 1)
  }

  /**
   * Each name and its parts in lower case, as often as they occur, a name 16 times at the most, with spaces between.
   * Not in the order of the text: nobody searches for phrases.
   */
  terms(): string {
    let output = ''
    for (const [name, occurrences] of this.#names) {
      const terms = `${[name, ...partsOf(name)].join(' ')} `
      output += occurrences === 1 ? terms : terms.repeat(Math.min(occurrences, countedOccurrences))
    }
    return output.toLowerCase()
  }
}

/** Cuts a text into pieces of about `size` characters, between words. Together they are the text. */
export function* piecesOf(text: string, size: number): Generator<string> {
  const boundary = /[\0-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]/g
  let start = 0
  while (start < text.length) {
    boundary.lastIndex = start + size
    const end = boundary.exec(text)?.index ?? text.length
    yield text.slice(start, end)
    start = end
  }
}
