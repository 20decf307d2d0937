import { taskModule } from '@posttask/core'
import { inBatches } from './batches.ts'
import type { Notice } from './notice.ts'
import type { Progress } from './progress.ts'
import { readSource, type SourceFile } from './read.ts'
import type { Runners } from './runners.ts'
import type { AnalysedFile } from './tokens.ts'
import { type FileEntry, type WalkLimits, walk } from './walk.ts'

const tokens = taskModule<typeof import('./tokens.ts')>(new URL('./tokens.ts', import.meta.url))
const database = taskModule<typeof import('./database.ts')>(new URL('./database.ts', import.meta.url))

/** Entries looked up in the index in one go. */
const comparedTogether = { count: 128, weight: Number.POSITIVE_INFINITY, weigh: () => 0 }
/** Files stored in one transaction: by number, and by characters, so that none takes long. */
const storedTogether = { count: 32, weight: 50_000, weigh: ({ terms }: AnalysedFile) => terms.length }

/** What to index, and how the run can be ended. */
export interface IndexRequest {
  /** Absolute, and no symbolic link. */
  readonly root: string
  readonly limits: WalkLimits
  /** Ends the run early: nothing new is begun, what was begun is committed. */
  readonly signal: AbortSignal
}

/**
 * Brings the index up to date with a tree. The database is open. Every stage pulls from the one before it, so the
 * slowest sets the pace and memory does not grow with the tree:
 *
 *     walk (disk) -> compare (database) -> read (disk) -> tokenise (threads) -> store (database) -> figures (ui)
 *
 * Rejects with what the database or a thread failed with.
 */
export async function indexTree({ root, limits, signal }: IndexRequest, runners: Runners, progress: Progress): Promise<void> {
  const unknown: string[] = []
  const failure = new AbortController()

  async function* listed(): AsyncGenerator<FileEntry> {
    for await (const { files, notices, links, ignored, unknown: unlisted } of walk(root, runners.disk, limits, signal)) {
      if (unlisted !== undefined) unknown.push(unlisted)
      progress.update((tally) => tally.listed(links, ignored))
      for (const notice of notices) progress.notice(notice)
      yield* files
    }
  }

  async function* changed(): AsyncGenerator<FileEntry> {
    for await (const entries of inBatches(listed(), comparedTogether)) {
      await runners.database.ready()
      const comparison = await runners.database.run(database.compare(entries))
      progress.update((tally) => tally.compared(comparison))
      for (const path of comparison.binary) progress.notice({ kind: 'binary', path })
      for (const path of comparison.latin1) progress.notice({ kind: 'latin1', path })
      for (const entry of comparison.changed) {
        if (signal.aborted) return
        yield entry
      }
    }
  }

  async function* read(): AsyncGenerator<SourceFile> {
    for await (const source of runners.disk.map(changed(), readSource, { ordered: false, name: 'read' })) {
      if (isNotice(source)) progress.notice(source)
      else yield source
    }
  }

  async function* tokenised(): AsyncGenerator<AnalysedFile> {
    for await (const file of runners.tokens.map(read(), tokens.analyse, { ordered: false })) {
      if (file.encoding === 'binary' || file.encoding === 'latin1') progress.notice({ kind: file.encoding, path: file.path })
      yield file
    }
  }

  for await (const files of inBatches(tokenised(), storedTogether)) {
    await runners.database.ready()
    failure.signal.throwIfAborted()
    const bytes = files.reduce((sum, file) => sum + file.size, 0)
    runners.database.postTaskAndReply(database.store(files), (stored) => progress.tally.stored(stored, files.length, bytes), {
      replyTo: runners.ui,
      onError: (error) => failure.abort(error),
    })
  }
  await runners.database.waitIdle()
  // The replies follow on the "ui" sequence.
  await runners.ui.waitIdle()
  failure.signal.throwIfAborted()
  // A walk that was cut short has not seen what it has not seen.
  if (!signal.aborted) await forgetDeleted(root, unknown, runners, progress)
  while (!signal.aborted && (await runners.database.run(database.tidy()))) {
    // Each portion is a task of its own, so the event loop gets its turn between them.
  }
}

/** Counts the files and bytes of a tree, for the time left. Costs the other stages nothing: it is best-effort work. */
export async function surveyTree({ root, limits, signal }: IndexRequest, runners: Runners, progress: Progress): Promise<void> {
  let files = 0
  let bytes = 0
  for await (const listing of walk(root, runners.survey, limits, signal)) {
    files += listing.files.length
    for (const { size } of listing.files) bytes += size
  }
  if (!signal.aborted) progress.update((tally) => tally.expect(files, bytes))
}

async function forgetDeleted(
  root: string,
  unknown: readonly string[],
  { database: runner }: Runners,
  progress: Progress,
): Promise<void> {
  for (;;) {
    const removed = await runner.run(database.forgetUnseen(root, unknown))
    if (removed === 0) return
    progress.update((tally) => tally.removed(removed))
  }
}

function isNotice(value: SourceFile | Notice): value is Notice {
  return 'kind' in value
}
