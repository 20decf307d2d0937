import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Snapshot } from './snapshot.ts'

const maxWatchers = 16
/** A page that misses so many samples in a row is given up: what is not read yet would keep the process alive. */
const maxMissed = 20

interface Page {
  readonly response: ServerResponse
  missed: number
}

/** The pages that are open, each at the end of a stream of server-sent events. */
export class Watchers {
  readonly #onChange: (isWatched: boolean) => void
  /** By their connections: a stream that stands behind another one would never begin, and has no end of its own. */
  readonly #pages = new Map<Socket, Page>()

  /** `onChange` is called with the first page that comes and the last that goes. */
  constructor(onChange: (isWatched: boolean) => void) {
    this.#onChange = onChange
  }

  /** False where there are too many. */
  add(response: ServerResponse): boolean {
    const { socket } = response.req
    if (this.#pages.size >= maxWatchers || this.#pages.has(socket)) return false
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 1000\n\n')
    this.#pages.set(socket, { response, missed: 0 })
    socket.once('close', () => {
      this.#pages.delete(socket)
      if (this.#pages.size === 0) this.#onChange(false)
    })
    if (this.#pages.size === 1) this.#onChange(true)
    return true
  }

  /** A page that does not keep up misses samples. */
  send(snapshot: Snapshot): void {
    const text = `data: ${JSON.stringify(snapshot)}\n\n`
    for (const [socket, page] of this.#pages) {
      page.missed = page.response.writableNeedDrain ? page.missed + 1 : 0
      if (page.missed === 0) page.response.write(text)
      else if (page.missed === maxMissed) socket.destroy()
    }
  }
}
