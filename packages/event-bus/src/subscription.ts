import { SignalGroup } from './signal-group.ts'

/** One handler of one type of event, until it is unsubscribed. */
export interface Subscription extends Disposable {
  /** False once it was unsubscribed, was a `once` that has had its event, or its bus is closed. */
  readonly isActive: boolean
  /** From now on the handler is not called any more, for events that were published already neither. Twice is fine. */
  unsubscribe(): void
}

/** The handlers of each type of event. A set keeps the order of subscription, whatever is taken out of it. */
export type HandlerEntries<Handler> = Map<PropertyKey, Set<HandlerEntry<Handler>>>

/** A subscription as its bus sees it. It lets go of the handler as soon as that will not be called any more. */
export class HandlerEntry<Handler> implements Subscription {
  readonly name: string
  readonly #isOnce: boolean
  #handler: Handler | undefined
  readonly #type: PropertyKey
  readonly #entries: HandlerEntries<Handler>
  readonly #group: SignalGroup | undefined

  constructor(
    handler: Handler,
    name: string,
    isOnce: boolean,
    type: PropertyKey,
    entries: HandlerEntries<Handler>,
    signal: AbortSignal | undefined,
  ) {
    this.name = name
    this.#isOnce = isOnce
    this.#type = type
    this.#entries = entries
    if (signal?.aborted) return
    this.#handler = handler
    const siblings = entries.get(type)
    if (siblings === undefined) entries.set(type, new Set([this]))
    else siblings.add(this)
    this.#group = signal === undefined ? undefined : SignalGroup.join(signal, this)
  }

  get isActive(): boolean {
    return this.#handler !== undefined
  }

  /** The handler for an event whose turn has come. */
  take(): Handler | undefined {
    const handler = this.#handler
    if (this.#isOnce) this.unsubscribe()
    return handler
  }

  unsubscribe(): void {
    if (this.#handler === undefined) return
    this.#handler = undefined
    const siblings = this.#entries.get(this.#type)
    siblings?.delete(this)
    if (siblings?.size === 0) this.#entries.delete(this.#type)
    this.#group?.leave(this)
  }

  [Symbol.dispose](): void {
    this.unsubscribe()
  }
}
