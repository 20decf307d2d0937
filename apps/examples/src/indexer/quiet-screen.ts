import type { Screen } from './screen.ts'

/** Says nothing unless the run as a whole fails. */
export class QuietScreen implements Screen {
  readonly progressInterval = undefined
  readonly #errors: NodeJS.WritableStream

  constructor(errors: NodeJS.WritableStream) {
    this.#errors = errors
  }

  started(): void {}
  notice(): void {}
  progress(): void {}
  stopping(): void {}
  finished(): void {}

  failed(message: string): void {
    this.#errors.write(`error: ${message}\n`)
  }
}
