import { clearLine, cursorTo } from 'node:readline'
import type { WriteStream } from 'node:tty'
import { type Notice, noticeLine } from './notice.ts'
import type { Paint } from './paint.ts'
import { type ProgressState, progressBar } from './progress-line.ts'
import { renderSummary } from './render-summary.ts'
import type { Screen } from './screen.ts'
import type { Summary } from './summary.ts'

/** A progress bar in the last line of a terminal, and everything else above it. */
export class TerminalScreen implements Screen {
  readonly progressInterval = 100
  readonly #errors: WriteStream
  readonly #output: NodeJS.WritableStream
  readonly #paint: Paint
  readonly #outputPaint: Paint
  #root = ''
  #bar = ''

  constructor(errors: WriteStream, output: NodeJS.WritableStream, paint: Paint, outputPaint: Paint) {
    this.#errors = errors
    this.#output = output
    this.#paint = paint
    this.#outputPaint = outputPaint
  }

  started(root: string, database: string, backend: string): void {
    this.#root = root
    this.#line(`Indexing ${this.#paint.strong(root)} on ${backend} ${this.#paint.faint(`into ${database}`)}`)
  }

  notice(notice: Notice): void {
    this.#line(this.#paint.faint(noticeLine(notice, this.#root)))
  }

  progress(state: ProgressState): void {
    this.#bar = progressBar(state, this.#errors.columns || 80)
    this.#draw()
  }

  stopping(): void {
    this.#line(this.#paint.warning('Stopping: what was read is being committed. Ctrl-C again ends at once.'))
  }

  finished(summary: Summary): void {
    this.#clear()
    this.#output.write(renderSummary(summary, this.#outputPaint))
  }

  failed(message: string): void {
    this.#clear()
    this.#errors.write(`${this.#paint.bad('error:')} ${message}\n`)
  }

  #line(text: string): void {
    this.#erase()
    this.#errors.write(`${text}\n`)
    this.#draw()
  }

  #draw(): void {
    if (this.#bar === '') return
    this.#erase()
    this.#errors.write(this.#bar)
  }

  #clear(): void {
    this.#erase()
    this.#bar = ''
  }

  #erase(): void {
    if (this.#bar === '') return
    cursorTo(this.#errors, 0)
    clearLine(this.#errors, 0)
  }
}
