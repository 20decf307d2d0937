// Behind Stryker's own setup, in every test file of a mutation run.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getEnvironmentData } from 'node:worker_threads'
import { afterEach, beforeEach, inject, vi } from 'vitest'

const { performance, setInterval } = globalThis

interface Namespace {
  currentTestId: string | undefined
  mutantCoverage?: Record<'static' | 'perTest', Record<string, unknown>>
}

const provided = inject as (key: string) => string | undefined
const namespace = (globalThis as unknown as Record<string, Namespace>)[provided('globalNamespace') ?? '']

// With each branch counted, a million of anything takes minutes.
beforeEach(({ task, skip }) => {
  if (task.name.includes('million')) skip()
})

const merge = (into: Record<string, number>, id: string, count: number): void => {
  into[id] = (into[id] ?? 0) + count
}

if (namespace !== undefined && provided('mode') === 'mutant') {
  const activeMutant = provided('activeMutant')
  // The threads and child processes of a test inherit it.
  process.env['__STRYKER_ACTIVE_MUTANT__'] = activeMutant

  // A test that hangs has found the mutant, and so has one that lets nothing else run: each branch asks for the mutant.
  vi.setConfig({ testTimeout: 30_000 })
  let asked = 0
  let isEndless = false
  let lastTurn = performance.now()
  setInterval(() => (lastTurn = performance.now()), 200).unref()
  Object.defineProperty(namespace, 'activeMutant', {
    configurable: true,
    get: () => {
      // From then on nothing works, so that the rest of the run is short.
      isEndless ||= (++asked & 0xffff) === 0 && performance.now() - lastTurn > 15_000
      if (isEndless) throw new Error('an endless loop')
      return activeMutant
    },
    set: () => {},
  })
} else if (namespace !== undefined) {
  const file = join(tmpdir(), `posttask-mutation-${process.pid}`)
  process.env['MUTATION_HITS_FILE'] = file
  process.env['NODE_OPTIONS'] = `--import=${new URL('./count-hits.mjs', import.meta.url).href}`

  // One process runs all files: each reports what it has hit itself.
  for (const counts of Object.values(namespace.mutantCoverage ?? {})) for (const id of Object.keys(counts)) delete counts[id]

  // What goes on when its test has ended counts for that test, not as code that only loading runs.
  let current: string | undefined
  Object.defineProperty(namespace, 'currentTestId', {
    configurable: true,
    get: () => current,
    set: (id: string | undefined): void => {
      current = id ?? current
    },
  })

  afterEach(() => {
    const hits = getEnvironmentData('posttask.mutation.hits') as unknown as Int32Array
    const coverage = (namespace.mutantCoverage ??= { static: {}, perTest: {} })
    const own = (coverage.perTest[current ?? ''] ??= {}) as Record<string, number>
    for (const [id, count] of hits.entries()) {
      if (count > 0) merge(own, String(id), count)
      hits[id] = 0
    }
    if (!existsSync(file)) return
    for (const id of readFileSync(file, 'utf8').split('\n')) if (id !== '') merge(own, id, 1)
    rmSync(file)
  })
}
