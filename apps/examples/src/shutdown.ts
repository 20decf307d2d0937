// shutdown() drops what waits, close() runs it, and nothing vanishes in silence (W4, W5, W6, W7).
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, RunnerClosedError, SequencedTaskRunner, ThreadPool } from '@posttask/core'

const pool = new ThreadPool({
  executor: inlineExecutor(),
  onTaskRejected: ({ name, runner, reason }) => console.log(`rejected: ${name} on ${runner.name} (${reason})`),
})
const runner = new SequencedTaskRunner(pool, { name: 'worker' })
const work = async (n: number): Promise<void> => console.log(`task ${n} done`)

runner.postTask(async () => {
  const { dropped, running, pending } = runner.shutdown()
  console.log(`${dropped.length} dropped, ${running} running, ${pending} still to run; the heartbeat is ${heartbeat.state}`)
  await work(1)
})
runner.postTask(() => work(2), { name: 'task 2' })
runner.postTask(() => work(3), { name: 'task 3', shutdown: 'block-shutdown' })
runner.postDelayedTask(() => work(4), 60_000, { name: 'task 4' })
const heartbeat = runner.postRepeatingTask(() => work(5), 1000)
const outcome = runner
  .run(() => work(6))
  .then(
    () => false,
    (error: unknown) => error instanceof RunnerClosedError,
  )

await runner.closed
runner.postTask(() => work(7), { name: 'task 7' })
console.log(`whoever waited was told: ${await outcome}`)

// Modules close in reverse order of creation: the logger outlives what logs to it.
const logger = new SequencedTaskRunner(pool, { name: 'logger' })
const requests = new ParallelTaskRunner(pool, { name: 'requests', maxConcurrency: 2 })
for (const id of [1, 2, 3]) requests.postTask(() => void logger.postTask(() => console.log(`logged: request ${id}`)))
const report = await pool.close({ timeoutMs: 1000 })
console.log(`the pool closed: ${report.completed} completed, ${report.dropped} dropped, ${report.terminated} terminated`)
