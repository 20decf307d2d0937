import { type Notice, noticeLine } from './notice.ts'
import type { Paint } from './paint.ts'
import { type ProgressState, progressText } from './progress-line.ts'
import { renderSummary } from './render-summary.ts'
import type { Screen } from './screen.ts'
import type { Summary } from './summary.ts'

/** Plain lines, for a pipe or a log: the summary to the output, everything else to the error stream. */
export class PlainScreen implements Screen {
  readonly progressInterval = 1000
  readonly #errors: NodeJS.WritableStream
  readonly #output: NodeJS.WritableStream
  readonly #outputPaint: Paint
  #root = ''

  constructor(errors: NodeJS.WritableStream, output: NodeJS.WritableStream, outputPaint: Paint) {
    this.#errors = errors
    this.#output = output
    this.#outputPaint = outputPaint
  }

  started(root: string, database: string, backend: string): void {
    this.#root = root
    this.#line(`indexing ${root} on ${backend} into ${database}`)
  }

  notice(notice: Notice): void {
    this.#line(noticeLine(notice, this.#root))
  }

  progress(state: ProgressState): void {
    this.#line(progressText(state))
  }

  stopping(): void {
    this.#line('stopping: what was read is being committed, Ctrl-C again ends at once')
  }

  finished(summary: Summary): void {
    this.#output.write(renderSummary(summary, this.#outputPaint))
  }

  failed(message: string): void {
    this.#line(`error: ${message}`)
  }

  #line(text: string): void {
    this.#errors.write(`${text}\n`)
  }
}
