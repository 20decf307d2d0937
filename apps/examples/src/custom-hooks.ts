// Failures, rejections and every event of a pool go to hooks (F2, F3, W7): for logs, metrics and traces.
import { inlineExecutor } from '@posttask/backend-inline'
import { type Observer, ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'

class Metrics implements Observer {
  readonly outcomes = new Map<string, number>()
  deepest = 0

  onFinished({ runner, outcome }: Parameters<Required<Observer>['onFinished']>[0]): void {
    const key = `${runner.name} ${outcome}`
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1)
  }

  onQueueDepth({ depth }: Parameters<Required<Observer>['onQueueDepth']>[0]): void {
    this.deepest = Math.max(this.deepest, depth)
  }
}

const metrics = new Metrics()
const pool = new ThreadPool({
  executor: inlineExecutor(),
  onTaskError: ({ name, runner, error }) => console.log(`error hook: ${name} on ${runner.name}: ${(error as Error).message}`),
  onTaskRejected: ({ name, error }) => console.log(`rejection hook: ${name}: ${error.name}`),
  observer: metrics,
})
const orders = new SequencedTaskRunner(pool, { name: 'orders', queueLimit: 2 })
const mails = new ParallelTaskRunner(pool, { name: 'mails', maxConcurrency: 2 })

function ship(): void {}
function charge(): void {
  throw new Error('card declined')
}

orders.postTask(ship)
orders.postTask(charge)
orders.postTask(ship)
orders.postTask(ship, { name: 'one too many' })
for (const to of ['ann', 'bob']) mails.postTask(async (context) => context.sleep(1), { name: `mail to ${to}` })
mails.postTask(() => {}, { name: 'never', signal: AbortSignal.abort() })

await pool.close()
for (const [key, count] of [...metrics.outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))) console.log(`${key}: ${count}`)
console.log(`deepest queue: ${metrics.deepest}`)
