import { statSync } from 'node:fs'
import { sep } from 'node:path'
import Database from 'libsql'
import { explainDatabaseError } from './database-error.ts'
import type { AnalysedFile } from './tokens.ts'
import type { FileEntry } from './walk.ts'

/*
 * The index, as a module with state: one connection and its prepared statements. The driver blocks, so the module
 * lives on a thread of its own, and every function below runs there as a bound task of one SingleThreadTaskRunner:
 * in order, one at a time (S2), always on that thread (S4). Hence no lock, no pool of connections, no callbacks.
 *
 * Every error is an `IndexFileError`.
 */

/** What {@link compare} found out about some files. */
export interface Comparison {
  /** New, or of another size or time than the index says: to be read. */
  readonly changed: FileEntry[]
  /** How many the index holds as they are, and their bytes. Binary files are not among them. */
  readonly unchanged: number
  readonly unchangedBytes: number
  /** Unchanged files that were found to be binary when they were read. */
  readonly binary: string[]
  /** Unchanged files whose text is indexed as latin1. */
  readonly latin1: string[]
}

/** What {@link store} did. */
export interface Stored {
  readonly added: number
  readonly updated: number
  /** The file was written to but its content is the same: only its time was noted. */
  readonly touched: number
}

/** What {@link search} found. */
export interface Matches {
  /** How many files match, whatever the limit. */
  readonly total: number
  readonly matches: Match[]
}

/** One file that matches, best first. */
export interface Match {
  readonly path: string
  /** The file's rank by bm25, higher is better. */
  readonly score: number
  readonly encoding: AnalysedFile['encoding']
  readonly size: number
  readonly mtime: number
}

const applicationId = 0x706f7374
const schemaVersion = 1
const busyTimeoutMs = 2000
/** A transaction is committed from this many characters on: many small ones would make many small pieces of index. */
const commitWeight = 250_000
/** What a row costs beside its characters. */
const rowWeight = 500
const pageWeight = 4000
/** Pages of the index merged by one call of {@link tidy}. */
const mergedPages = 16

const schema = `
  CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    mtime REAL NOT NULL,
    hash TEXT NOT NULL,
    encoding TEXT NOT NULL,
    seen INTEGER NOT NULL
  );
  -- Holds no text, only where each term occurs: the text is on the disk already. Terms arrive cut and in lower case.
  CREATE VIRTUAL TABLE terms USING fts5(body, content='', contentless_delete=1, tokenize="ascii tokenchars '_$'");
  -- Merging is asked for, see tidy(): when it comes by itself it takes long now and then.
  INSERT INTO terms(terms, rank) VALUES('automerge', 0);
  INSERT INTO terms(terms, rank) VALUES('crisismerge', 1999);
  CREATE TABLE runs (id INTEGER PRIMARY KEY);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

let index: Index | undefined

/** Opens the index, making it where there is none, and begins a run of indexing. */
export function open(file: string): void {
  guard(file, () => {
    const connection = connect(file)
    prepareSchema(connection, file)
    const opened = new Index(file, connection)
    opened.beginRun()
    index = opened
  })
}

/** Opens an index that exists, for {@link search} only. */
export function openForSearch(file: string): void {
  guard(file, () => {
    const connection = connect(file)
    if (pragma(connection, 'application_id') !== applicationId) prepareSchema(connection, file)
    index = new Index(file, connection)
  })
}

/** Closes the connection; everything stored is in the file. More than once is fine. */
export function close(): void {
  const opened = index
  if (opened === undefined) return
  index = undefined
  guard(opened.file, () => {
    opened.commit()
    opened.connection.close()
  })
}

/** Looks files up by size and time, and notes that they still exist. */
export function compare(entries: readonly FileEntry[]): Comparison {
  return inTransaction((opened) => opened.compare(entries))
}

/** Puts files into the index. They are committed together with what comes after them, or by {@link close}. */
export function store(files: readonly AnalysedFile[]): Stored {
  return inTransaction((opened) => opened.store(files))
}

/**
 * Takes out some of the files under `root` that this run has not seen, except under the directories in `unknown`.
 * Returns how many; call it until that is 0. In portions, so that no call takes long.
 */
export function forgetUnseen(root: string, unknown: readonly string[]): number {
  return inTransaction((opened) => opened.forgetUnseen(root, unknown))
}

/**
 * Merges some of the pieces that the index was written in, which makes searching quick. Returns whether there is more
 * to merge. In portions, so that no call takes long.
 */
export function tidy(): boolean {
  return inTransaction((opened) => opened.tidy())
}

/** How many files can be found. */
export function count(): number {
  return inIndex((opened) => opened.count())
}

/** The best matches of an FTS5 expression, by bm25, equal ones by path, and how many there are. */
export function search(expression: string, limit: number): Matches {
  return inIndex((opened) => opened.search(expression, limit))
}

class Index {
  readonly connection: Database.Database
  readonly file: string
  #run = 0
  /** What the open transaction holds, in characters or what costs as much. */
  #uncommitted = 0
  readonly #see
  readonly #find
  readonly #touch
  readonly #insert
  readonly #update
  readonly #insertTerms
  readonly #deleteTerms
  readonly #delete
  readonly #unseen
  readonly #search

  constructor(file: string, connection: Database.Database) {
    this.file = file
    this.connection = connection
    this.#see = connection.prepare('UPDATE files SET seen = max(seen, ?) WHERE path = ? RETURNING size, mtime, encoding')
    this.#find = connection.prepare('SELECT id, hash FROM files WHERE path = ?')
    this.#touch = connection.prepare('UPDATE files SET mtime = ?, seen = max(seen, ?) WHERE id = ?')
    this.#insert = connection.prepare('INSERT INTO files (path, size, mtime, hash, encoding, seen) VALUES (?, ?, ?, ?, ?, ?)')
    this.#update = connection.prepare(
      'UPDATE files SET size = ?, mtime = ?, hash = ?, encoding = ?, seen = max(seen, ?) WHERE id = ?',
    )
    this.#insertTerms = connection.prepare('INSERT INTO terms (rowid, body) VALUES (?, ?)')
    this.#deleteTerms = connection.prepare('DELETE FROM terms WHERE rowid = ?')
    this.#delete = connection.prepare('DELETE FROM files WHERE id = ?')
    this.#unseen = connection.prepare(
      'SELECT id, path FROM files WHERE path >= ? AND path < ? AND seen < ? AND id > ? ORDER BY id LIMIT 200',
    )
    this.#search = connection.prepare(`
      SELECT *, count(*) OVER () AS total FROM (
        SELECT files.path, files.encoding, files.size, files.mtime, -bm25(terms) AS score
        FROM terms JOIN files ON files.id = terms.rowid
        WHERE terms MATCH ? LIMIT -1
      ) ORDER BY score DESC, path LIMIT ?`)
  }

  beginRun(): void {
    this.#run = Number(this.connection.prepare('INSERT INTO runs DEFAULT VALUES').run().lastInsertRowid)
  }

  /** Opens a transaction where none is open, for what is about to be written. */
  begin(): void {
    if (!this.connection.inTransaction) this.connection.exec('BEGIN IMMEDIATE')
  }

  /** Commits when enough has come together to be worth it. */
  commitIfLarge(): void {
    if (this.#uncommitted >= commitWeight) this.commit()
  }

  commit(): void {
    if (this.connection.inTransaction) this.connection.exec('COMMIT')
    this.#uncommitted = 0
  }

  compare(entries: readonly FileEntry[]): Comparison {
    const changed: FileEntry[] = []
    const binary: string[] = []
    const latin1: string[] = []
    let unchanged = 0
    let unchangedBytes = 0
    this.#uncommitted += entries.length * rowWeight
    for (const entry of entries) {
      const row = this.#see.get(this.#run, entry.path) as Pick<AnalysedFile, 'size' | 'mtime' | 'encoding'> | undefined
      if (row?.size !== entry.size || row.mtime !== entry.mtime) {
        changed.push(entry)
      } else if (row.encoding === 'binary') {
        binary.push(entry.path)
      } else {
        unchanged += 1
        unchangedBytes += entry.size
        if (row.encoding === 'latin1') latin1.push(entry.path)
      }
    }
    return { changed, unchanged, unchangedBytes, binary, latin1 }
  }

  store(files: readonly AnalysedFile[]): Stored {
    let added = 0
    let updated = 0
    let touched = 0
    for (const file of files) {
      this.#uncommitted += rowWeight + file.terms.length
      const known = this.#find.get(file.path) as { id: number; hash: string } | undefined
      if (known?.hash === file.hash) {
        this.#touch.run(file.mtime, this.#run, known.id)
        if (file.encoding !== 'binary') touched += 1
        continue
      }
      const id = known === undefined ? this.#add(file) : this.#replace(known.id, file)
      if (file.encoding === 'binary') continue
      this.#insertTerms.run(id, file.terms)
      if (known === undefined) added += 1
      else updated += 1
    }
    return { added, updated, touched }
  }

  forgetUnseen(root: string, unknown: readonly string[]): number {
    const base = withSeparator(root)
    const afterLast = base.slice(0, -1) + String.fromCharCode(sep.charCodeAt(0) + 1)
    const isUnknown = (path: string): boolean => unknown.some((directory) => path.startsWith(withSeparator(directory)))
    let after = 0
    for (;;) {
      const rows = this.#unseen.all(base, afterLast, this.#run, after) as { id: number; path: string }[]
      this.#uncommitted += rows.length * rowWeight
      const gone = rows.filter(({ path }) => !isUnknown(path))
      for (const { id } of gone) {
        this.#deleteTerms.run(id)
        this.#delete.run(id)
      }
      if (gone.length > 0 || rows.length === 0) return gone.length
      after = rows.at(-1)?.id ?? after
    }
  }

  tidy(): boolean {
    const before = this.#totalChanges()
    this.connection.exec(`INSERT INTO terms(terms, rank) VALUES('merge', ${mergedPages})`)
    this.#uncommitted += mergedPages * pageWeight
    // One change is that of the command itself.
    return this.#totalChanges() - before > 1
  }

  count(): number {
    const row = this.connection.prepare("SELECT count(*) AS count FROM files WHERE encoding <> 'binary'").get()
    return (row as { count: number }).count
  }

  search(expression: string, limit: number): Matches {
    const rows = this.#search.all(expression, limit) as (Match & { total: number })[]
    const matches = rows.map(({ path, score, encoding, size, mtime }) => ({ path, score, encoding, size, mtime }))
    return { total: rows[0]?.total ?? 0, matches }
  }

  #totalChanges(): number {
    return (this.connection.prepare('SELECT total_changes() AS changes').get() as { changes: number }).changes
  }

  #add(file: AnalysedFile): number | bigint {
    return this.#insert.run(file.path, file.size, file.mtime, file.hash, file.encoding, this.#run).lastInsertRowid
  }

  #replace(id: number, file: AnalysedFile): number {
    this.#deleteTerms.run(id)
    this.#update.run(file.size, file.mtime, file.hash, file.encoding, this.#run, id)
    return id
  }
}

function connect(file: string): Database.Database {
  const connection = new Database(file, { timeout: busyTimeoutMs })
  // With a write-ahead log searching goes on while a run writes, and a killed run loses its last transaction at most.
  // Nothing waits for the disk: a power cut may damage the file, which costs one run of indexing.
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000')
  return connection
}

function prepareSchema(connection: Database.Database, file: string): void {
  const owner = pragma(connection, 'application_id')
  if (owner === applicationId && pragma(connection, 'user_version') === schemaVersion) return
  const tables = connection.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number }
  if (tables.count > 0) throw explainDatabaseError(file, { code: 'NOT_AN_INDEX' })
  if (statSync(file).size === 0 || owner === 0) connection.exec(`BEGIN IMMEDIATE;${schema};COMMIT`)
}

function pragma(connection: Database.Database, name: string): unknown {
  return (connection.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[name]
}

function inTransaction<R>(body: (opened: Index) => R): R {
  return inIndex((opened) => {
    opened.begin()
    const result = body(opened)
    opened.commitIfLarge()
    return result
  })
}

function inIndex<R>(body: (opened: Index) => R): R {
  const opened = index
  if (opened === undefined) throw new Error('The index is not open: call open() first')
  return guard(opened.file, () => body(opened))
}

function guard<R>(file: string, body: () => R): R {
  try {
    return body()
  } catch (error) {
    throw explainDatabaseError(file, error)
  }
}

function withSeparator(directory: string): string {
  return directory.endsWith(sep) ? directory : directory + sep
}
