import type { Channel } from 'node:diagnostics_channel'

const changes = ['subscribe', 'unsubscribe', 'bindStore', 'unbindStore'] as const

/**
 * Tells when somebody begins or ends to listen on one of our channels. Node has no event for it, so the methods of these
 * channel objects, and of no others, are followed: all ways to subscribe end there.
 */
export class SubscriberWatch {
  readonly #channels: readonly Channel[]
  readonly #listeners = new Set<() => void>()
  #isFollowing = false

  constructor(channels: readonly Channel[]) {
    this.#channels = channels
  }

  get hasSubscribers(): boolean {
    return this.#channels.some((channel) => channel.hasSubscribers)
  }

  onChange(listener: () => void): Disposable {
    if (!this.#isFollowing) for (const channel of this.#channels) this.#follow(channel)
    this.#isFollowing = true
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  #follow(channel: Channel): void {
    for (const method of changes) {
      const value = (...args: readonly unknown[]): unknown => {
        // Looked up each time: a channel changes its prototype with its first and its last subscriber.
        const original = (Object.getPrototypeOf(channel) as Record<string, (...args: readonly unknown[]) => unknown>)[method]
        const result = original?.apply(channel, args as unknown[])
        for (const listener of this.#listeners) listener()
        return result
      }
      Object.defineProperty(channel, method, { value, configurable: true })
    }
  }
}
