// The same nine posts on a pool with one slot, first all of one priority, then with theirs: what differs is who waits.
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, type TaskPriority, ThreadPool } from '@posttask/core'

const order = async (levels: readonly [TaskPriority, TaskPriority, TaskPriority]): Promise<string> => {
  await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }), agingMs: Number.POSITIVE_INFINITY })
  const [backup, render, click] = levels.map((priority) => new SequencedTaskRunner(pool, { priority }))
  const started: string[] = []
  for (const n of [1, 2, 3]) {
    backup?.postTask(async () => void started.push(`backup${n}`))
    render?.postTask(async () => void started.push(`render${n}`))
    click?.postTask(async () => void started.push(`click${n}`))
  }
  await pool.close()
  return started.join(' ')
}

console.log(`equal:  ${await order(['user-visible', 'user-visible', 'user-visible'])}`)
console.log(`mixed:  ${await order(['best-effort', 'user-visible', 'user-blocking'])}`)

// An urgent task pulls along what is queued in front of it on its sequence (P3), past everybody else, in order (S1).
await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
const files = new SequencedTaskRunner(pool, { name: 'files', priority: 'best-effort' })
const network = new SequencedTaskRunner(pool, { name: 'network' })
const started: string[] = []
network.postTask(() => void started.push('fetch'))
files.postTask(() => void started.push('write'))
files.postTask(() => void started.push('read now'), { priority: 'user-blocking' })
await pool.close()
console.log(`pulled: ${started.join(', ')}`)
