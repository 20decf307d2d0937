/** One handler of one type of event, until it is unsubscribed. */
export interface Subscription extends Disposable {
  /** False once it was unsubscribed, was a `once` that has had its event, or its bus is closed. */
  readonly isActive: boolean
  /** From now on the handler is not called any more, for events that were published already neither. Twice is fine. */
  unsubscribe(): void
}

/** A subscription as its bus sees it. It lets go of the handler as soon as that will not be called any more. */
export class HandlerEntry<Handler> implements Subscription {
  readonly name: string
  readonly isOnce: boolean
  #handler: Handler | undefined
  readonly #siblings: Set<HandlerEntry<Handler>>
  readonly #signal: AbortSignal | undefined

  constructor(
    handler: Handler,
    name: string,
    isOnce: boolean,
    siblings: Set<HandlerEntry<Handler>>,
    signal: AbortSignal | undefined,
  ) {
    this.#handler = handler
    this.name = name
    this.isOnce = isOnce
    this.#siblings = siblings
    this.#signal = signal
    if (signal?.aborted) {
      this.#handler = undefined
      return
    }
    // A set keeps the order of subscription, whatever is taken out of it.
    siblings.add(this)
    signal?.addEventListener('abort', this.#onAbort)
  }

  get isActive(): boolean {
    return this.#handler !== undefined
  }

  /** The handler for an event whose turn has come. */
  take(): Handler | undefined {
    const handler = this.#handler
    if (this.isOnce) this.unsubscribe()
    return handler
  }

  unsubscribe(): void {
    this.#handler = undefined
    this.#siblings.delete(this)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  [Symbol.dispose](): void {
    this.unsubscribe()
  }

  readonly #onAbort = (): void => this.unsubscribe()
}
