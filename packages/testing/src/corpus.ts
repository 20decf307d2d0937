import { builtinModule } from './host.ts'

interface Files {
  existsSync(path: string): boolean
  readFileSync(path: string, encoding: 'utf8'): string
  writeFileSync(path: string, text: string): void
  mkdirSync(path: string, options: { recursive: true }): void
}

const mostKept = 20

/** Schedules that failed before, kept in `__explore__/<name>.json`, so that they run first next time. */
export class Corpus {
  readonly #path: string | undefined
  readonly #directory: string
  readonly #files = builtinModule<Files>('node:fs')

  constructor(directory: string, name: string | undefined) {
    this.#directory = directory
    this.#path =
      name === undefined || this.#files === undefined ? undefined : `${directory}/${name.replace(/[^\w.-]+/g, '-')}.json`
  }

  load(): readonly (readonly number[])[] {
    if (this.#path === undefined || !this.#files?.existsSync(this.#path)) return []
    const kept: unknown = JSON.parse(this.#files.readFileSync(this.#path, 'utf8'))
    return Array.isArray(kept)
      ? kept.filter((decisions): decisions is number[] => Array.isArray(decisions) && decisions.every(Number.isInteger))
      : []
  }

  save(decisions: readonly number[]): void {
    if (this.#path === undefined) return
    const key = decisions.join('.')
    const kept = [decisions, ...this.load().filter((other) => other.join('.') !== key)].slice(0, mostKept)
    this.#files?.mkdirSync(this.#directory, { recursive: true })
    this.#files?.writeFileSync(this.#path, `${JSON.stringify(kept)}\n`)
  }
}
