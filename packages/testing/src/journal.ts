import type { TaskHandle } from '@posttask/core'

/** One thing that happened, on the virtual clock. */
export interface JournalEntry {
  readonly time: number
  /** `runner/task`, or who else it was. */
  readonly who: string
  readonly what: string
}

const longest = 100_000

/** The name of a task in reports. */
export const nameOf = (task: TaskHandle & { readonly runner?: { readonly name: string } }): string =>
  task.runner === undefined ? task.name : `${task.runner.name}/${task.name}`

/** What happened, in order: the same text for the same run, so it can be a snapshot. Keeps the last 100,000 entries. */
export class Journal {
  #entries: JournalEntry[] = []

  add(time: number, who: string, what: string): void {
    this.#entries.push({ time, who, what })
    if (this.#entries.length >= 2 * longest) this.#entries = this.#entries.slice(-longest)
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  toString(): string {
    const width = Math.max(0, ...this.#entries.slice(-1000).map(({ time }) => String(time).length))
    return this.#entries.map(({ time, who, what }) => `t=${String(time).padEnd(width)}  ${who}  ${what}`).join('\n')
  }
}
