/** A queue that takes closures, and something that watches it. */
export interface WatchedQueue {
  readonly post: (closure: () => void) => void
  /** Lets go of what the watcher has collected, as its exporter would. */
  readonly empty: () => void
}
