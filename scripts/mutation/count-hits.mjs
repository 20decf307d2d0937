// Preloaded with --import in every process and thread of a mutation run. Stryker sees only what the thread of the tests
// executes. This makes worker threads count into memory that they share with it, and child processes into a file.
import { appendFileSync } from 'node:fs'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

const key = 'posttask.mutation.hits'
const file = process.env['MUTATION_HITS_FILE']

if (isMainThread) {
  const hits = new Int32Array(new SharedArrayBuffer(4 * 65_536))
  setEnvironmentData(key, hits)
  if (file !== undefined)
    process.on('exit', () => {
      const own = Object.keys(globalThis.__stryker__?.mutantCoverage?.static ?? {})
      const ofThreads = [...hits.keys()].filter((id) => hits[id] > 0)
      appendFileSync(file, [...own, ...ofThreads, ''].join('\n'))
    })
} else {
  const hits = getEnvironmentData(key)
  const count = (_target, id, value) => {
    Atomics.add(hits, Number(id), 1)
    return value !== undefined
  }
  if (hits !== undefined) globalThis.__stryker__ = { mutantCoverage: { static: new Proxy({}, { set: count }), perTest: {} } }
}
