/**
 * All subscriptions of one `AbortSignal` behind one listener: adding a listener costs O(listeners) in Node, and warns
 * past ten. The listener goes with the last of them.
 */
export class SignalGroup {
  static readonly #groups = new WeakMap<AbortSignal, SignalGroup>()

  readonly #signal: AbortSignal
  readonly #subscriptions = new Set<Disposable>()

  private constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  static join(signal: AbortSignal, subscription: Disposable): SignalGroup {
    let group = SignalGroup.#groups.get(signal)
    if (group === undefined) {
      group = new SignalGroup(signal)
      SignalGroup.#groups.set(signal, group)
    }
    if (group.#subscriptions.size === 0) signal.addEventListener('abort', group.#onAbort)
    group.#subscriptions.add(subscription)
    return group
  }

  leave(subscription: Disposable): void {
    this.#subscriptions.delete(subscription)
    if (this.#subscriptions.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]()
  }
}
