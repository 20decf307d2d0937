// pnpm storm [--tasks N] [--seed N] [--backend piscina|tinypool] [--no-batch]: faults of every kind at random over two
// threads. Every task has one outcome, of its kind; none starts twice; afterwards the process ends by itself.
import { parseArgs } from 'node:util'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { type BoundTask, ParallelTaskRunner, type PostOptions, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'piscina' },
    batch: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const count = Number(values.tasks)
let state = Number(values.seed)
const random = (below: number): number => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

const settings = { maxThreads: 2, abortGraceMs: 0, batch: values.batch }
const executor = values.backend === 'tinypool' ? tinypoolExecutor(settings) : piscinaExecutor(settings)
const pool = new ThreadPool({ executor })
const runners = [
  new ParallelTaskRunner(pool, { maxConcurrency: 2 }),
  new SequencedTaskRunner(pool),
  new SequencedTaskRunner(pool),
]
type Make = (counts: unknown, id: number, extra?: unknown) => BoundTask
const tasks = taskModule<Record<string, (...args: never[]) => unknown>>(new URL('./storm/tasks.js', import.meta.url))
const make = (name: string): Make => tasks[name] as unknown as Make

const counts = new SharedArrayBuffer(count * 4)
const starts = new Int32Array(counts)

/** What a kind of task does, how it must end, and how often it may start. */
interface Kind {
  readonly weight: number
  readonly task: Make
  readonly options?: () => PostOptions
  readonly isRight: (outcome: unknown, id: number) => boolean
  readonly starts: readonly number[]
}

const code = (outcome: unknown): unknown => (outcome as { error?: { code?: unknown } }).error?.code
const kinds: Record<string, Kind> = {
  ok: { weight: 500, task: make('ok'), isRight: (outcome, id) => outcome === id, starts: [1] },
  later: { weight: 200, task: make('later'), isRight: (outcome, id) => outcome === id, starts: [1] },
  fail: {
    weight: 100,
    task: make('fail'),
    isRight: (outcome, id) => (outcome as { error?: Error }).error?.message === `expected ${id}`,
    starts: [1],
  },
  failWithNull: {
    weight: 50,
    task: make('failWithNull'),
    isRight: (outcome) => (outcome as { error?: unknown }).error === null,
    starts: [1],
  },
  exit: { weight: 8, task: make('exit'), isRight: (outcome) => code(outcome) === 'ERR_WORKER_CRASHED', starts: [1] },
  spin: {
    weight: 8,
    task: make('spin'),
    options: () => ({ timeout: 20 }),
    isRight: (outcome) => code(outcome) === 'ERR_TASK_TIMEOUT',
    starts: [0, 1],
  },
  missing: { weight: 40, task: make('missing'), isRight: (outcome) => code(outcome) === 'ERR_MODULE_LOAD', starts: [0] },
  returnFunction: {
    weight: 40,
    task: make('returnFunction'),
    isRight: (outcome) => code(outcome) === 'ERR_TASK_SERIALIZATION',
    starts: [1],
  },
  uncloneable: {
    weight: 40,
    task: (shared, id) => make('ok')(shared, id, () => id),
    isRight: (outcome) => code(outcome) === 'ERR_TASK_SERIALIZATION',
    starts: [0],
  },
  aborted: {
    weight: 30,
    task: make('later'),
    options: () => {
      const controller = new AbortController()
      setTimeout(() => controller.abort('not wanted'), random(30))
      return { signal: controller.signal }
    },
    isRight: (outcome, id) => outcome === id || (outcome as { error?: unknown }).error === 'not wanted',
    starts: [0, 1],
  },
}
const names = Object.entries(kinds).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))

const tally: Record<string, number> = {}
const wrong: string[] = []
const one = async (id: number): Promise<void> => {
  const name = names[random(names.length)] as string
  const { task, options, isRight, starts: allowed } = kinds[name] as Kind
  const runner = runners[random(runners.length)] as ParallelTaskRunner
  const outcome = await runner.run(task(counts, id), options?.()).catch((error: unknown) => ({ error }))
  tally[name] = (tally[name] ?? 0) + 1
  if (!isRight(outcome, id))
    wrong.push(`task ${id}, ${name}: ${JSON.stringify(outcome)} ${String((outcome as { error?: unknown }).error)}`)
  if (!allowed.includes(starts[id] as number)) wrong.push(`task ${id}, ${name}: started ${starts[id]} times`)
}

const window = 200
let next = 0
await Promise.all(
  Array.from({ length: window }, async () => {
    while (next < count) await one(next++)
  }),
)
const report = await pool.close()
console.log(JSON.stringify({ backend: values.backend, seed: values.seed, batch: values.batch, tally, report }))
for (const line of wrong.slice(0, 20)) console.error(line)
console.log(`${count - wrong.length} right, ${wrong.length} wrong`)
process.exitCode = wrong.length === 0 ? 0 : 1
