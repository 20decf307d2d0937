import type { Notice } from './notice.ts'
import type { ProgressState } from './progress-line.ts'
import type { Summary } from './summary.ts'

/** What a run of indexing shows. Called by tasks of the "ui" sequence only. */
export interface Screen {
  /** How often `progress` is wanted, ms; undefined for never. */
  readonly progressInterval: number | undefined
  started(root: string, database: string, backend: string): void
  notice(notice: Notice): void
  progress(state: ProgressState): void
  /** Ctrl-C was pressed. */
  stopping(): void
  finished(summary: Summary): void
  /** The run as a whole failed. */
  failed(message: string): void
}
