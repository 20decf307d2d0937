import { beginChange, endChange } from './callbacks.ts'

/** What ends when its signal fires. */
export interface SignalMember {
  onSignal(reason: unknown): void
}

/**
 * Everything that one `AbortSignal` ends, behind one listener: adding a listener costs O(listeners) in Node, and warns
 * past ten. The listener goes with the last member.
 */
export class SignalGroup {
  static readonly #groups = new WeakMap<AbortSignal, SignalGroup>()

  readonly #signal: AbortSignal
  readonly #members = new Set<SignalMember>()

  private constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  static join(signal: AbortSignal, member: SignalMember): SignalGroup {
    let group = SignalGroup.#groups.get(signal)
    if (group === undefined) {
      group = new SignalGroup(signal)
      SignalGroup.#groups.set(signal, group)
    }
    if (group.#members.size === 0) signal.addEventListener('abort', group.#onAbort)
    group.#members.add(member)
    return group
  }

  leave(member: SignalMember): void {
    this.#members.delete(member)
    if (this.#members.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#signal
    beginChange()
    for (const member of this.#members) member.onSignal(reason)
    endChange()
  }
}

/** A wait that also ends, with the signal's reason, when the signal fires. */
export const abortable = (signal: AbortSignal, wait: () => Promise<void>): Promise<void> => {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const member: SignalMember = {
      onSignal(reason) {
        group.leave(member)
        reject(reason)
      },
    }
    const group = SignalGroup.join(signal, member)
    wait()
      .then(resolve, reject)
      .finally(() => group.leave(member))
  })
}
