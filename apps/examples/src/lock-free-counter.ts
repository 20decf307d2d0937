// Read, wait, write: the classic lost update. On a sequence the same code is right, without a lock (S2).
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'

let stored = 0
const store = {
  load: async (): Promise<number> => stored,
  save: async (value: number): Promise<void> => {
    stored = value
  },
}
const increment = async (): Promise<void> => {
  const value = await store.load()
  await store.save(value + 1)
}

await Promise.all(Array.from({ length: 100 }, increment))
console.log(`100 increments at once: ${stored}`)

await using pool = new ThreadPool({ executor: inlineExecutor() })
const counter = new SequencedTaskRunner(pool, { name: 'counter' })

stored = 0
await Promise.all(Array.from({ length: 100 }, () => counter.run(increment)))
console.log(`100 increments on a sequence: ${stored}`)
