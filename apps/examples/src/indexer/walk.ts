import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { ParallelTaskRunner } from '@posttask/core'
import { Frontier } from './frontier.ts'
import { type Notice, unreadable } from './notice.ts'

/** A regular file that is worth reading. */
export interface FileEntry {
  /** Absolute. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Last change, milliseconds since 1970 with fractions. */
  readonly mtime: number
}

/** What one directory holds. */
export interface Listing {
  readonly files: readonly FileEntry[]
  readonly directories: readonly string[]
  readonly notices: readonly Notice[]
  /** Symbolic links that were not followed: what they lead to is found at its own place, or lies outside of the tree. */
  readonly links: number
  /** Entries left out for their name: `.git` folders and source maps. */
  readonly ignored: number
  /** A directory that could not be listed, so nothing is known of what lies under it. */
  readonly unknown?: string
}

/** What a walk leaves out. */
export interface WalkLimits {
  /** Bytes. A larger file is left out with a notice. */
  readonly maxSize: number
  /** Absolute paths of files that are never part of the tree: the index itself. */
  readonly exclude: ReadonlySet<string>
}

/** Lists one directory. Never rejects: what cannot be read is a notice. Symbolic links are not followed. */
async function listDirectory(directory: string, limits: WalkLimits): Promise<Listing> {
  const files: FileEntry[] = []
  const directories: string[] = []
  const notices: Notice[] = []
  let links = 0
  let ignored = 0

  const enter = async (entry: Dirent): Promise<void> => {
    const path = join(directory, entry.name)
    if (limits.exclude.has(path)) return
    if (isIgnored(entry)) {
      ignored += 1
    } else if (entry.isDirectory()) {
      directories.push(path)
    } else if (entry.isSymbolicLink()) {
      const notice = await inspectLink(path)
      if (notice === undefined) links += 1
      else notices.push(notice)
    } else if (entry.isFile()) {
      const { size, mtimeMs } = await lstat(path)
      if (size === 0) notices.push({ kind: 'empty', path })
      else if (size > limits.maxSize) notices.push({ kind: 'too-large', path, detail: size })
      else files.push({ path, size, mtime: mtimeMs })
    } else {
      notices.push({ kind: 'special', path })
    }
  }

  let entries: Dirent[]
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch (error) {
    return { files, directories, notices: [unreadable(directory, error)], links, ignored, unknown: directory }
  }
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    try {
      await enter(entry)
    } catch (error) {
      notices.push(unreadable(join(directory, entry.name), error))
    }
  }
  return { files, directories, notices, links, ignored }
}

/** Every directory from `root` down, each listed by a task on `runner`. Ends early when `signal` fires. */
export async function* walk(
  root: string,
  runner: ParallelTaskRunner,
  limits: WalkLimits,
  signal: AbortSignal,
): AsyncGenerator<Listing> {
  const frontier = new Frontier(root)
  const stop = (): void => frontier.stop()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const list = async (directory: string): Promise<Listing> => {
    const listing = await listDirectory(directory, limits)
    frontier.settle(listing.directories)
    return listing
  }
  try {
    yield* runner.map(frontier, (directory) => list(directory), { name: 'list', ordered: false })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function isIgnored(entry: Dirent): boolean {
  return entry.isDirectory() ? entry.name === '.git' : entry.name.endsWith('.map')
}

async function inspectLink(path: string): Promise<Notice | undefined> {
  try {
    const target = await realpath(path)
    return path.startsWith(target.endsWith(sep) ? target : target + sep) ? { kind: 'link-loop', path } : undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP') return { kind: 'link-loop', path }
    if (code === 'ENOENT') return { kind: 'broken-link', path }
    throw error
  }
}
