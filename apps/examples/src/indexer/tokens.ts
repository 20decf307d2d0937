import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decode, type Encoding } from './decode.ts'
import type { SourceFile } from './read.ts'
import { piecesOf, TermCounter } from './term-counter.ts'
import type { FileEntry } from './walk.ts'

/** What the index keeps of one file. */
export interface AnalysedFile extends FileEntry {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string
  readonly encoding: Encoding | 'binary'
  /** The file's words, see `TermCounter`. Empty for a binary file. */
  readonly terms: string
}

/** Characters, some milliseconds of work. */
const pieceSize = 50_000

/**
 * Hashes a file and takes its words. Runs on a worker thread and is an ordinary function all the same: nothing to
 * import, nothing to register. Between the pieces of a large file it lets the event loop have its turn, which matters
 * on the inline backend only.
 */
export async function analyse({ path, size, mtime, bytes }: SourceFile): Promise<AnalysedFile> {
  const hash = createHash('sha256').update(bytes).digest('hex')
  const decoded = decode(bytes)
  const counter = new TermCounter()
  let isFirst = true
  for (const piece of piecesOf(decoded?.text ?? '', pieceSize)) {
    if (!isFirst) await nextTurn()
    isFirst = false
    counter.add(piece)
  }
  return { path, size, mtime, hash, encoding: decoded?.encoding ?? 'binary', terms: counter.terms() }
}
