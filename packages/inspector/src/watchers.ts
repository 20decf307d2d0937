import type { ServerResponse } from 'node:http'
import type { Snapshot } from './snapshot.ts'

const maxWatchers = 16

/** The pages that are open, each at the end of a stream of server-sent events. */
export class Watchers {
  readonly #onChange: (isWatched: boolean) => void
  readonly #responses = new Set<ServerResponse>()

  /** `onChange` is called with the first page that comes and the last that goes. */
  constructor(onChange: (isWatched: boolean) => void) {
    this.#onChange = onChange
  }

  /** False where there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#responses.size >= maxWatchers) return false
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 1000\n\n')
    this.#responses.add(response)
    response.once('close', () => {
      this.#responses.delete(response)
      if (this.#responses.size === 0) this.#onChange(false)
    })
    if (this.#responses.size === 1) this.#onChange(true)
    return true
  }

  /** A page that does not keep up misses samples. */
  send(snapshot: Snapshot): void {
    const text = `data: ${JSON.stringify(snapshot)}\n\n`
    for (const response of this.#responses) if (!response.writableNeedDrain) response.write(text)
  }
}
