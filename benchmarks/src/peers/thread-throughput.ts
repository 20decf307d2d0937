import type { MeasureContext, Sample } from '../benchmark.ts'
import type { Send } from './thread-contenders.ts'

/** How long a measurement takes, in ms. */
const duration = 500

/** An object of about a kilobyte as JSON. */
const kilobyte = (id: number): object => ({
  id,
  title: `document ${id}`,
  tags: ['alpha', 'beta', 'gamma', 'delta'],
  owner: { name: `owner ${id % 97}`, mail: `owner${id % 97}@example.org`, roles: ['reader', 'writer'] },
  counts: Array.from({ length: 40 }, (_, i) => id + i),
  body: 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. '.repeat(8),
})

/** More than are ever in flight: a message that holds an object twice would carry it once. */
const kilobytes = Array.from({ length: 2048 }, (_, id) => kilobyte(id))

/** Keeps a number of tasks in flight on a pool that stays up from round to round. */
export const throughput = (make: (threads: number) => Send): ((context: MeasureContext) => Promise<Sample>) => {
  const pools = new Map<number, Send>()
  return async ({ case: { settings } }) => {
    const threads = Number(settings?.['threads'])
    const inFlight = Number(settings?.['inFlight'])
    const send = pools.get(threads) ?? make(threads)
    pools.set(threads, send)
    let sent = 0
    const argument =
      settings?.['kilobyte'] === true ? (): object | undefined => kilobytes[sent & 2047] : (): undefined => undefined
    await Promise.all(Array.from({ length: threads * 2 }, () => send(argument())))

    const cpu = process.cpuUsage()
    const start = performance.now()
    const end = start + duration
    const chain = async (): Promise<void> => {
      for (;;) {
        sent++
        await send(argument())
        if ((sent & 15) === 0 && performance.now() >= end) return
        if (isOver) return
      }
    }
    let isOver = false
    const chains = Array.from({ length: inFlight }, chain)
    void Promise.race(chains).then(() => {
      isOver = true
    })
    await Promise.all(chains)
    const wall = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: (sent / wall) * 1e3, wallNs: (wall * 1e6) / sent, cpuNs: ((user + system) * 1e3) / sent }
  }
}
