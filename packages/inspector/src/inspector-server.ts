import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gate } from './gate.ts'
import type { PageFile } from './page-files.ts'
import type { Watchers } from './watchers.ts'

const headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** What the server serves, and what may be done. */
export interface InspectorParts {
  readonly files: ReadonlyMap<string, PageFile>
  readonly watchers: Watchers
  /** What runs and waits, in words. */
  report(): string
  /** False for an unknown runner, and for pausing a closed one. */
  setPaused(runner: number, isPaused: boolean): boolean
  startTrace(): void
  /** Undefined where nothing was recorded. */
  stopTrace(): object | undefined
}

/** Serves the page on loopback, and never keeps the process alive. */
export class InspectorServer {
  readonly #parts: InspectorParts
  readonly #gate = new Gate()
  readonly #server = createServer({ keepAlive: false }, (request, response) => this.#answer(request, response))

  constructor(parts: InspectorParts) {
    this.#parts = parts
    this.#server.on('connection', (socket) => socket.unref())
  }

  /** Resolves with the URL, token included. Rejects where the port is taken. */
  async listen(port: number): Promise<string> {
    this.#server.listen(port, '127.0.0.1').unref()
    await once(this.#server, 'listening')
    const address = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${address.port}/#token=${this.#gate.token}`
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    // Nothing that is sent is of use.
    request.resume()
    if (!this.#gate.maySee(request)) {
      refuse(response, 403, 'The inspector answers to 127.0.0.1 and localhost, and to its own page.')
    } else if (request.method === 'GET') {
      this.#show(request.url ?? '/', response)
    } else if (request.method !== 'POST') {
      refuse(response, 405, 'GET or POST.')
    } else if (!this.#gate.mayWrite(request)) {
      refuse(response, 403, 'This needs the token of the URL that startInspector gave, as "authorization: Bearer TOKEN".')
    } else {
      this.#change(request.url ?? '/', response)
    }
  }

  #show(url: string, response: ServerResponse): void {
    const { files, watchers } = this.#parts
    const path = url.replace(/\?.*/, '')
    const file = files.get(path)
    if (file !== undefined) send(response, file.type, file.body)
    else if (path === '/report') send(response, 'text/plain; charset=utf-8', this.#parts.report())
    else if (path !== '/events') refuse(response, 404, 'There is no such page.')
    else if (!watchers.add(response)) refuse(response, 503, 'Too many pages are open.')
  }

  #change(path: string, response: ServerResponse): void {
    const [, runner, verb] = /^\/runners\/(\d+)\/(pause|resume)$/.exec(path) ?? []
    if (runner !== undefined) {
      if (this.#parts.setPaused(Number(runner), verb === 'pause')) response.writeHead(204).end()
      else refuse(response, 404, 'There is no such runner, or it is closed.')
    } else if (path === '/trace/start') {
      this.#parts.startTrace()
      response.writeHead(204).end()
    } else if (path === '/trace/stop') {
      const trace = this.#parts.stopTrace()
      if (trace === undefined) refuse(response, 409, 'Nothing was recorded.')
      else send(response, 'application/json', JSON.stringify(trace))
    } else refuse(response, 404, 'There is no such command.')
  }
}

/** In ms. Who does not read for so long is given up: what is not read yet would keep the process alive. */
const readTimeout = 10_000

const send = (response: ServerResponse, type: string, body: string | Buffer): void => {
  response.setTimeout(readTimeout, () => response.req.socket.destroy())
  response.writeHead(200, { 'content-type': type }).end(body)
}

const refuse = (response: ServerResponse, status: number, reason: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`)
}
