/** The index file cannot be used. The message says why and what to do; `code` is that of SQLite where it has one. */
export class IndexFileError extends Error {
  override readonly name = 'IndexFileError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Says what an error of the database driver means for the user. An `IndexFileError` stays as it is. */
export function explainDatabaseError(file: string, error: unknown): IndexFileError {
  if (error instanceof IndexFileError) return error
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  return new IndexFileError(code, explain(file, code, message), { cause: error })
}

function explain(file: string, code: string, message: string): string {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return `the index ${file} is locked by another program: wait until it is done, or use another file with --db FILE`
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return `the index ${file} is damaged or no database at all (${message}): delete it and index again, or use another file with --db FILE`
  }
  if (code === 'NOT_AN_INDEX') {
    return `${file} is a database of another program or version, left alone: use another file with --db FILE`
  }
  if (code.startsWith('SQLITE_FULL')) return `no space left for the index ${file}: make room, or use another disk with --db FILE`
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM')) {
    return `the index ${file} cannot be written: check its permissions, or use another file with --db FILE`
  }
  if (message.includes('Unable to open') || code.startsWith('SQLITE_CANTOPEN')) {
    return `the index ${file} cannot be opened: check that its folder exists and can be written, or use another file with --db FILE`
  }
  return `the index ${file} failed: ${message}`
}
