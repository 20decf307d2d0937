// A producer that is faster than its consumer: the queue stays short because the producer waits for room (Q1).
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor(), onTaskRejected: () => {} })
const writer = new SequencedTaskRunner(pool, { name: 'writer', queueLimit: 4 })

let written = 0
let deepest = 0
for (let row = 0; row < 100; row++) {
  await writer.ready()
  writer.postTask(async () => void written++)
  deepest = Math.max(deepest, writer.stats().pending)
}
await writer.waitIdle()
// Four that wait, and the one for which the slot is free.
console.log(`${written} rows written, never more than 4 waiting behind the next: ${deepest <= 4 + 1}`)

// Who does not wait is refused instead; the policy says who goes.
const latest = new SequencedTaskRunner(pool, { name: 'latest', queueLimit: 2, onFull: 'drop-oldest' })
const shown: number[] = []
for (let frame = 1; frame <= 5; frame++) latest.postTask(() => void shown.push(frame))
await latest.waitIdle()
console.log(`frames shown: ${shown.join(' ')}`)

// map takes from its source only as its results are taken: a million items, a handful in memory.
let made = 0
const numbers = function* (): Generator<number> {
  for (;;) yield ++made
}
const squares = new ParallelTaskRunner(pool, { name: 'squares', maxConcurrency: 4 })
const results: number[] = []
for await (const square of squares.map(numbers(), async (n) => n * n, { window: 8 })) {
  results.push(square)
  if (results.length === 5) break
}
console.log(`squares: ${results.join(' ')}; the source was asked for ${made <= 5 + 8 ? 'at most 13' : made} items`)
