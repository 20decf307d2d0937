/** Shared memory in which tasks write how often they started, and when they started and ended. */
export class Journal {
  readonly memory: SharedArrayBuffer
  readonly #cells: Int32Array

  constructor(tasks: number) {
    this.memory = new SharedArrayBuffer((tasks * 3 + 1) * 4)
    this.#cells = new Int32Array(this.memory)
  }

  starts(id: number): number {
    return Atomics.load(this.#cells, id * 3)
  }

  /** What is wrong with tasks that were posted to one sequence in this order (S1, S2). */
  disorder(ids: readonly number[]): string[] {
    const wrong: string[] = []
    let last = 0
    for (const id of ids) {
      const [startedAt, endedAt] = [this.#cells[id * 3 + 1] as number, this.#cells[id * 3 + 2] as number]
      // Cancelled before its start, or never sent.
      if (startedAt === 0) continue
      if (startedAt < last) wrong.push(`task ${id} started at ${startedAt}, while the one before it was on until ${last}`)
      last = Math.max(startedAt, endedAt)
    }
    return wrong
  }
}
