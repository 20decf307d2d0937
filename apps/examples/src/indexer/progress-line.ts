import { formatBytes, formatClock, formatFiles } from './figures.ts'
import type { Figures } from './tally.ts'

/** Where a run stands: how much is done, how fast it goes, how long it will still take. */
export interface ProgressState {
  readonly figures: Figures
  /** Since the run began, ms. */
  readonly elapsedMs: number
  readonly isStopping: boolean
}

/** The part that is done, 0 to 1; undefined while the files are still being counted. */
export function doneShare({ files, bytes, expected }: Figures): number | undefined {
  if (expected === undefined) return undefined
  if (expected.bytes === 0) return 1
  // Files may come and go while a run goes on, so neither number is exact.
  return Math.min(1, Math.max(bytes / expected.bytes, files >= expected.files ? 1 : 0))
}

/** `1,200 files, 34.2 MB, 12.3 MB/s, 0:08 left` */
export function progressText({ figures, elapsedMs, isStopping }: ProgressState): string {
  const rate = elapsedMs > 0 ? (figures.bytes / elapsedMs) * 1000 : 0
  const parts = [formatFiles(figures.files), formatBytes(figures.bytes), `${formatBytes(rate)}/s`]
  const share = doneShare(figures)
  if (isStopping) parts.push('stopping')
  else if (share !== undefined && share > 0) parts.push(`${formatClock(elapsedMs * (1 / share - 1))} left`)
  else parts.push('counting')
  return parts.join(', ')
}

/** One line of less than `columns` characters with a bar in front, as wide as there is room for. */
export function progressBar(state: ProgressState, columns: number): string {
  const text = progressText(state)
  const share = doneShare(state.figures) ?? 0
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const width = Math.min(30, columns - text.length - percent.length - 6)
  if (width < 5) return text.slice(0, Math.max(0, columns - 1))
  const filled = Math.floor(share * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${percent}  ${text}`
}
