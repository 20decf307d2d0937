// What a pool knows of itself (W6, F2): its description, the statistics of each runner, the last tasks, and stalls.
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, type StallEvent, ThreadPool } from '@posttask/core'

let stalled: (event: StallEvent) => void = () => {}
const stall = new Promise<StallEvent>((resolve) => {
  stalled = resolve
})
const pool = new ThreadPool({
  executor: inlineExecutor(),
  name: 'main',
  timing: true,
  stallWarningMs: 20,
  onTaskError: () => {},
  onTaskRejected: () => {},
  onStall: (event) => {
    // On a busy machine any task may take longer than it should.
    if (event.name === 'order 3') stalled(event)
  },
})
const orders = new SequencedTaskRunner(pool, { name: 'orders', history: 3 })
const mails = new ParallelTaskRunner(pool, { name: 'mails', maxConcurrency: 2 })

let release: () => void = () => {}
const released = new Promise<void>((resolve) => {
  release = resolve
})
orders.postTask(() => {}, { name: 'order 1' })
orders.postTask(() => Promise.reject(new Error('card declined')), { name: 'order 2' })
orders.postTask(() => released, { name: 'order 3' })
orders.postTask(() => {}, { name: 'order 4' })
mails.postDelayedTask(() => {}, 60_000, { name: 'stock check', unref: true })

const { name, runner, waiting } = await stall
console.log(`stall: ${name} on ${runner.name}, waiting behind it: ${waiting}`)
// The times differ from run to run.
console.log(pool.describe().replaceAll(/\d+ ms/g, '… ms'))
release()
await orders.waitIdle()

for (const { name, pending, completed, failed, delayed, runMs } of pool.stats().runners) {
  console.log(
    `${name}: ${pending} pending, ${completed} completed, ${failed} failed, ${delayed} delayed, timed: ${runMs !== undefined}`,
  )
}
for (const { name, outcome, error } of orders.recentTasks()) {
  console.log(`${name} ${outcome}${error instanceof Error ? `: ${error.message}` : ''}`)
}
await pool.close()
