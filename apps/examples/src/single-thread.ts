// One real thread for the life of the runner: what the module keeps there persists (S4), and nobody else touches it.
import { piscinaExecutor } from '@posttask/backend-piscina'
import { SingleThreadTaskRunner, ThreadPool, taskModule } from '@posttask/core'

const store = taskModule<typeof import('./key-value-store.ts')>(new URL('./key-value-store.ts', import.meta.url))

await using pool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 2 }) })
const database = new SingleThreadTaskRunner(pool, { name: 'database', init: store.open() })

for (const [key, value] of Object.entries({ red: '#f00', green: '#0f0', blue: '#00f' })) {
  console.log(`${key} stored, ${await database.run(store.put(key, value))} in the store`)
}
console.log(`green is ${await database.run(store.get('green'))}`)

const threads = new Set<number>()
for (let i = 0; i < 5; i++) threads.add(await database.run(store.where()))
console.log(`five tasks ran on ${threads.size} thread, which is ${threads.has(0) ? '' : 'not '}the main thread`)

// A second runner has a thread, and so a store, of its own; without init this one is not open.
const other = new SingleThreadTaskRunner(pool, { name: 'other' })
console.log(`the other runner: ${await other.run(store.put('red', 'rouge')).catch((error: Error) => error.message)}`)
