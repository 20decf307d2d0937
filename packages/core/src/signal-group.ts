import type { TaskRecord } from './task-record.ts'

/**
 * All tasks of one `AbortSignal` behind one listener: adding a listener costs O(listeners) in Node, and warns past
 * ten. The listener goes with the last of the tasks.
 */
export class SignalGroup {
  static readonly #groups = new WeakMap<AbortSignal, SignalGroup>()

  readonly #signal: AbortSignal
  readonly #records = new Set<TaskRecord>()

  private constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  static join(signal: AbortSignal, record: TaskRecord): SignalGroup {
    let group = SignalGroup.#groups.get(signal)
    if (group === undefined) {
      group = new SignalGroup(signal)
      SignalGroup.#groups.set(signal, group)
    }
    if (group.#records.size === 0) signal.addEventListener('abort', group.#onAbort)
    group.#records.add(record)
    return group
  }

  leave(record: TaskRecord): void {
    this.#records.delete(record)
    if (this.#records.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    for (const record of this.#records) record.runner.abort(record, this.#signal.reason)
  }
}
