import { open } from 'node:fs/promises'
import { type Notice, unreadable } from './notice.ts'
import type { FileEntry } from './walk.ts'

/** A file with its content. The bytes own their buffer, so that it can be moved to a thread. */
export interface SourceFile extends FileEntry {
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * Reads a file, at most as much as its size was when it was listed. Never rejects: what cannot be read is a notice.
 * A file that changed since keeps the older time, so the next run sees that it changed.
 */
export async function readSource(entry: FileEntry): Promise<SourceFile | Notice> {
  try {
    const handle = await open(entry.path, 'r')
    try {
      const bytes = new Uint8Array(entry.size)
      let length = 0
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return { ...entry, bytes: length === bytes.length ? bytes : bytes.slice(0, length) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    return unreadable(entry.path, error)
  }
}
