// A repeating task runs until it is stopped, from outside or from inside, and never overlaps itself (D3, D4, D5).
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({
  executor: inlineExecutor(),
  onTaskError: ({ name, error }) => console.log(`${name} failed: ${(error as Error).message}`),
})
const runner = new ParallelTaskRunner(pool, { maxConcurrency: 8 })

const stopped = new Promise<void>((resolve) => {
  const heartbeat = runner.postRepeatingTask(
    () => {
      console.log(`heartbeat ${heartbeat.runCount}`)
      if (heartbeat.runCount === 2) throw new Error('a missed beat')
      if (heartbeat.runCount < 4) return
      heartbeat.stop()
      console.log(`stopped itself: ${heartbeat.state}`)
      resolve()
    },
    5,
    { name: 'heartbeat', initialDelay: 0 },
  )
  console.log(`before the first run: ${heartbeat.state}`)
})
await stopped

// Each run takes three intervals, on a runner with room for eight: still one at a time.
let running = 0
let most = 0
await new Promise<void>((resolve) => {
  const slow = runner.postRepeatingTask(
    async (context) => {
      most = Math.max(most, ++running)
      await context.sleep(15)
      running--
      if (slow.runCount === 3) resolve()
    },
    5,
    { mode: 'fixed-rate' },
  )
})
console.log(`slow runs at a time: ${most}`)

const before = runner.stats().repeating
runner.shutdown()
console.log(`repeating tasks: ${before} before the shutdown, ${runner.stats().repeating} after it`)
