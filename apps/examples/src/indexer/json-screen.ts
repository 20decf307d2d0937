import type { Notice } from './notice.ts'
import { doneShare, type ProgressState } from './progress-line.ts'
import type { Screen } from './screen.ts'
import type { Summary } from './summary.ts'

/** One JSON object a line, each with an `event`, for programs. */
export class JsonScreen implements Screen {
  readonly progressInterval = 100
  readonly #output: NodeJS.WritableStream

  constructor(output: NodeJS.WritableStream) {
    this.#output = output
  }

  started(root: string, database: string, backend: string): void {
    this.#write('started', { root, database, backend })
  }

  notice(notice: Notice): void {
    this.#write('notice', notice)
  }

  progress({ figures, elapsedMs, isStopping }: ProgressState): void {
    this.#write('progress', { elapsedMs, isStopping, share: doneShare(figures), files: figures.files, bytes: figures.bytes })
  }

  stopping(): void {
    this.#write('stopping', {})
  }

  finished(summary: Summary): void {
    this.#write('summary', summary)
  }

  failed(message: string): void {
    this.#write('error', { message })
  }

  #write(event: string, fields: object): void {
    this.#output.write(`${JSON.stringify({ event, ...fields })}\n`)
  }
}
