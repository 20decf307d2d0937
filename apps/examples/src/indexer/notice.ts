import { relative } from 'node:path'
import { formatBytes } from './figures.ts'
import { printable } from './printable.ts'

/** What can be said of one path that is not simply indexed. */
export type NoticeKind = 'unreadable' | 'too-large' | 'binary' | 'empty' | 'latin1' | 'link-loop' | 'broken-link' | 'special'

/** One line to the user about one path, counted in the summary by its kind. */
export interface Notice {
  readonly kind: NoticeKind
  /** Absolute. */
  readonly path: string
  /** The system's words for `unreadable`, the size in bytes for `too-large`. */
  readonly detail?: string | number
}

/** What the summary calls each kind, in the order it lists them. */
export const noticeLabels: Readonly<Record<NoticeKind, string>> = {
  unreadable: 'unreadable',
  'too-large': 'too large',
  binary: 'binary',
  empty: 'empty',
  latin1: 'not UTF-8 (indexed as latin1)',
  'link-loop': 'symbolic link loops',
  'broken-link': 'broken symbolic links',
  special: 'not regular files',
}

/** The line that is printed for a notice, its path relative to `root`. */
export function noticeLine(notice: Notice, root: string): string {
  const path = printable(relative(root, notice.path) || notice.path)
  return `${path}: ${reason(notice)}`
}

function reason({ kind, detail }: Notice): string {
  switch (kind) {
    case 'unreadable':
      return `cannot be read${detail === undefined ? '' : ` (${printable(String(detail))})`}, skipped`
    case 'too-large':
      return `${formatBytes(Number(detail))} is over --max-size, skipped`
    case 'binary':
      return 'binary, skipped'
    case 'empty':
      return 'empty, skipped'
    case 'latin1':
      return 'not UTF-8, indexed as latin1'
    case 'link-loop':
      return 'symbolic link that leads back up to itself, not followed'
    case 'broken-link':
      return 'symbolic link to nothing, skipped'
    case 'special':
      return 'neither file nor directory, skipped'
  }
}

/** The notice for a path that the system refused, with its error code. */
export function unreadable(path: string, error: unknown): Notice {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return { kind: 'unreadable', path, detail: code ?? String(error) }
}
