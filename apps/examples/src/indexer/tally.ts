import type { Comparison, Stored } from './database.ts'
import type { Notice, NoticeKind } from './notice.ts'

/** What a run has come to, as plain numbers. */
export interface Figures {
  /** Files that a run reads or finds unchanged, and their bytes; undefined until they were all counted ahead. */
  readonly expected: { readonly files: number; readonly bytes: number } | undefined
  readonly files: number
  readonly bytes: number
  readonly added: number
  readonly updated: number
  readonly touched: number
  readonly unchanged: number
  readonly removed: number
  readonly links: number
  readonly ignored: number
  readonly notices: Readonly<Partial<Record<NoticeKind, number>>>
}

/**
 * The run's figures. Its methods are called by tasks of the "ui" sequence only, which is why plain additions are
 * enough.
 */
export class Tally {
  #figures: Figures = {
    expected: undefined,
    files: 0,
    bytes: 0,
    added: 0,
    updated: 0,
    touched: 0,
    unchanged: 0,
    removed: 0,
    links: 0,
    ignored: 0,
    notices: {},
  }

  get figures(): Figures {
    return this.#figures
  }

  expect(files: number, bytes: number): void {
    this.#add({ expected: { files, bytes } })
  }

  listed(links: number, ignored: number): void {
    this.#add({ links: this.#figures.links + links, ignored: this.#figures.ignored + ignored })
  }

  compared({ unchanged, unchangedBytes, binary }: Comparison): void {
    const { files, bytes } = this.#figures
    this.#add({
      unchanged: this.#figures.unchanged + unchanged,
      files: files + unchanged + binary.length,
      bytes: bytes + unchangedBytes,
    })
  }

  stored({ added, updated, touched }: Stored, files: number, bytes: number): void {
    const before = this.#figures
    this.#add({
      added: before.added + added,
      updated: before.updated + updated,
      touched: before.touched + touched,
      files: before.files + files,
      bytes: before.bytes + bytes,
    })
  }

  removed(files: number): void {
    this.#add({ removed: this.#figures.removed + files })
  }

  noticed({ kind }: Notice): void {
    this.#add({ notices: { ...this.#figures.notices, [kind]: (this.#figures.notices[kind] ?? 0) + 1 } })
  }

  #add(change: Partial<Figures>): void {
    this.#figures = { ...this.#figures, ...change }
  }
}
