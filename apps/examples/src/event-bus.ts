// Typed events on a sequence (S1, S2): handlers are called in order, one at a time, async ones waited for.
import { inlineExecutor } from '@posttask/backend-inline'
import { ThreadPool } from '@posttask/core'
import { EventBus } from '@posttask/event-bus'

interface Events {
  ordered: { item: string; count: number }
  'sold out': { item: string }
}

const pool = new ThreadPool({
  executor: inlineExecutor(),
  onTaskError: ({ name, error }) => console.log(`reported: ${name}: ${(error as Error).message}`),
})
const bus = new EventBus<Events>(pool, { name: 'shop' })

// What only handlers touch needs no lock, though this one awaits between reading and writing.
const stock = new Map([['tea', 3]])
bus.subscribe('ordered', async function takeFromStock({ item, count }, context) {
  const left = (stock.get(item) ?? 0) - count
  await context.sleep(5)
  if (left < 0) throw new Error(`not enough ${item}`)
  stock.set(item, left)
  // Published by a handler: it goes behind the events that wait.
  if (left === 0) void bus.publish('sold out', { item })
})
const mails = bus.subscribe('ordered', ({ item, count }) => console.log(`mail: ${count} ${item}`))
bus.once('sold out', ({ item }) => console.log(`${item} is sold out`))

void bus.publish('ordered', { item: 'tea', count: 1 })
await bus.publish('ordered', { item: 'tea', count: 2 })
console.log(`both orders are done; tea left: ${stock.get('tea')}`)

mails.unsubscribe()
await bus.publish('ordered', { item: 'tea', count: 1 })
await bus.close()
await bus.publish('ordered', { item: 'tea', count: 1 }).catch((error: Error) => console.log(`refused: ${error.name}`))
await pool.close()
