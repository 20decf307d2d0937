import { get, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { Snapshot } from '../src/snapshot.ts'

/** The stream that a page reads. */
export interface EventStream extends Disposable {
  readonly response: IncomingMessage
  /** The first sample from now on for which `isIt` holds. */
  until(isIt: (snapshot: Snapshot) => boolean): Promise<Snapshot>
}

/** Watches, as a page does. */
export const openEvents = async (url: string): Promise<EventStream> => {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(new URL('/events', url), { agent: false }, resolve).on('error', reject)
  })
  // Told of by the lines, which end.
  response.on('error', () => {})
  const lines = createInterface({ input: response })[Symbol.asyncIterator]()
  return {
    response,
    async until(isIt) {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error('the stream has ended')
        if (!value.startsWith('data: ')) continue
        const snapshot = JSON.parse(value.slice('data: '.length)) as Snapshot
        if (isIt(snapshot)) return snapshot
      }
    },
    [Symbol.dispose]: () => response.destroy(),
  }
}
