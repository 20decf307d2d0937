import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const localHosts = ['127.0.0.1', 'localhost']

/** Who may see, and who may do something. */
export class Gate {
  readonly token: string = randomBytes(18).toString('base64url')

  /**
   * False for a request that another site made: by a name of its own that leads here (DNS rebinding), or from its pages.
   * A link to the page may be followed from anywhere.
   */
  maySee({ headers, url }: IncomingMessage): boolean {
    const host = headers.host?.toLowerCase().replace(/:\d+$/, '')
    if (host === undefined || !localHosts.includes(host)) return false
    const from = headers['sec-fetch-site']
    return url === '/' || from === undefined || from === 'same-origin' || from === 'none'
  }

  /** True with the token in the header `authorization: Bearer`. Pages of other sites cannot send that. */
  mayWrite({ headers }: IncomingMessage): boolean {
    const given = Buffer.from(headers.authorization ?? '')
    const wanted = Buffer.from(`Bearer ${this.token}`)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }
}
