import { createHash } from 'node:crypto'
import { decode, type Encoding } from './decode.ts'
import type { SourceFile } from './read.ts'
import type { FileEntry } from './walk.ts'
import { indexText } from './words.ts'

/** What the index keeps of one file. */
export interface AnalysedFile extends FileEntry {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string
  readonly encoding: Encoding | 'binary'
  /** The file's words in order, see `indexText`. Empty for a binary file. */
  readonly terms: string
}

/**
 * Hashes a file and takes its words. Runs on a worker thread and is an ordinary function all the same: nothing to
 * import, nothing to register.
 */
export function analyse({ path, size, mtime, bytes }: SourceFile): AnalysedFile {
  const hash = createHash('sha256').update(bytes).digest('hex')
  const decoded = decode(bytes)
  return {
    path,
    size,
    mtime,
    hash,
    encoding: decoded?.encoding ?? 'binary',
    terms: decoded === undefined ? '' : indexText(decoded.text),
  }
}
