import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

/** What the server said. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request on a connection of its own; unlike `fetch`, with whatever `Host` is given. */
export const ask = (url: string | URL, method = 'GET', headers: OutgoingHttpHeaders = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      )
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })

/** The header that lets the page of this URL do something. */
export const tokenOf = (url: string): { readonly authorization: string } => ({
  authorization: `Bearer ${new URLSearchParams(new URL(url).hash.slice(1)).get('token')}`,
})
