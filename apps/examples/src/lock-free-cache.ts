// A cache that a sequence owns. Many ask for the same key at once; it is fetched once, and nobody sees it half filled.
import { inlineExecutor } from '@posttask/backend-inline'
import { type ThreadPool as Pool, SequencedTaskRunner, ThreadPool } from '@posttask/core'

class Cache<V> {
  readonly #owner: SequencedTaskRunner
  readonly #fetch: (key: string) => Promise<V>
  readonly #values = new Map<string, V>()
  #hits = 0
  #misses = 0

  constructor(pool: Pool, fetch: (key: string) => Promise<V>) {
    this.#owner = new SequencedTaskRunner(pool, { name: 'cache' })
    this.#fetch = fetch
  }

  get(key: string): Promise<V> {
    return this.#owner.run(async () => {
      const known = this.#values.get(key)
      if (known !== undefined) {
        this.#hits++
        return known
      }
      this.#misses++
      const value = await this.#fetch(key)
      this.#values.set(key, value)
      return value
    })
  }

  counts(): Promise<{ hits: number; misses: number }> {
    return this.#owner.run(() => ({ hits: this.#hits, misses: this.#misses }))
  }
}

await using pool = new ThreadPool({ executor: inlineExecutor() })
const fetched: string[] = []
const cache = new Cache(pool, async (key) => {
  fetched.push(key)
  return key.toUpperCase()
})

const answers = await Promise.all(['a', 'b', 'a', 'c', 'b', 'a'].map((key) => cache.get(key)))
console.log(`answers: ${answers.join(' ')}`)
console.log(`fetched: ${fetched.join(' ')}`)
const { hits, misses } = await cache.counts()
console.log(`${hits} hits, ${misses} misses`)
