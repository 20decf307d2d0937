// Work in the background, results on the sequence that owns the state: no lock, no shared variable (F7).
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor() })
const ui = new SequencedTaskRunner(pool, { name: 'ui' })
const background = new ParallelTaskRunner(pool, { name: 'background', maxConcurrency: 4 })

const lines: string[] = []
const show = (line: string): void => {
  ui.assertCurrent()
  lines.push(line)
  console.log(`[${ui.name}] ${line}`)
}

const loadUser = async (id: number): Promise<{ name: string; age: number }> => {
  if (id !== 7) throw new Error(`no user ${id}`)
  return { name: 'Alice', age: 25 }
}

// Outside of a task: say where the reply runs.
background.postTaskAndReply(
  () => 'hello world'.length,
  (length) => show(`length ${length}`),
  { replyTo: ui },
)

// In a task of ui the reply comes back to ui by itself. A failure comes back too.
ui.postTask(() => {
  show('loading')
  background.postTaskAndReply(
    () => loadUser(7),
    (user) => show(`user ${user.name}, ${user.age}`),
  )
  background.postTaskAndReply(
    () => loadUser(8),
    (user) => show(`user ${user.name}`),
    { onError: (error) => show(`sorry: ${(error as Error).message}`) },
  )
})

// ui posts to background, whose replies go to ui: wait in that order.
await ui.waitIdle()
await background.waitIdle()
await ui.waitIdle()
console.log(`${lines.length} lines, each written by a task of ui`)
