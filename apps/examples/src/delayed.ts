// Delayed tasks run when they fall due, not in the order of the posts (D1), and can be cancelled until then (C1).
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, systemClock, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor() })
const runner = new SequencedTaskRunner(pool)
const posted = systemClock.now()

for (const delay of [100, 200, 40]) {
  runner.postDelayedTask(() => console.log(`the task with a delay of ${delay} ms`), delay)
}
const forgotten = runner.postDelayedTask(() => console.log('this one is cancelled'), 60)
runner.postTask(() => console.log('the task without a delay'))
console.log(`before it is due: ${forgotten.state}, cancelled: ${forgotten.cancel()}, now ${forgotten.state}`)

const early = await runner.run(() => systemClock.now() - posted < 250, { delay: 250 })
console.log(`a task ran before its time: ${early}`)
