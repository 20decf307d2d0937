// Three tasks of one sequence, each with a wait in its middle: they run in posting order and never overlap (S1, S2).
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor() })
const runner = new SequencedTaskRunner(pool, { name: 'steps' })

for (const step of [1, 2, 3]) {
  runner.postTask(async (context) => {
    console.log(`step ${step} starts`)
    await context.sleep(5)
    console.log(`step ${step} ends`)
  })
}
console.log('posted; nothing has run yet')

await runner.waitIdle()
console.log('all done')
