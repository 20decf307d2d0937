// At most three at a time (P1), and a barrier: all of the first batch ends before any of the second starts (W1).
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, ThreadPool } from '@posttask/core'

await using pool = new ThreadPool({ executor: inlineExecutor() })
const downloads = new ParallelTaskRunner(pool, { name: 'downloads', maxConcurrency: 3 })

let running = 0
let most = 0
const ended: string[] = []
const download = (file: string) => {
  downloads.postTask(async (context) => {
    most = Math.max(most, ++running)
    await context.sleep(2)
    running--
    ended.push(file)
  })
}

for (let i = 1; i <= 7; i++) download(`part ${i}`)
void downloads.flush(async () => {
  console.log(`barrier: ${ended.length} ended, ${running} running`)
  await new Promise(setImmediate)
  console.log(`barrier: still ${ended.length} ended, ${running} running`)
})
for (let i = 1; i <= 4; i++) download(`index ${i}`)

await downloads.waitIdle()
console.log(`${ended.length} ended, at most ${most} at a time`)
console.log(`all parts before all indexes: ${ended.findIndex((file) => file.startsWith('index')) === 7}`)
