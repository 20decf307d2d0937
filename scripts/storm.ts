// pnpm storm [--tasks N] [--rounds N] [--seed N] [--backend piscina|tinypool] [--no-batch]
// Faults of every kind at random over two threads, on runners of every kind: each task has one outcome, of its kind, none
// starts twice, none is blamed for another's fault. Then rounds of aborts that race with the end of their task. Afterwards
// no thread, port, listener or handle is left, and the process ends by itself.
import { parseArgs } from 'node:util'
import { type PiscinaExecutorOptions, piscinaExecutor } from '@posttask/backend-piscina'
import { type TinypoolExecutorOptions, tinypoolExecutor } from '@posttask/backend-tinypool'
import type { LaneExecutor } from '@posttask/core/worker'
import { stormOfFaults } from './storm/faults.ts'
import { Leftovers } from './storm/leftovers.ts'
import { abortsAgainstCompletion } from './storm/races.ts'
import { randomFrom } from './storm/random.ts'
import { countRelocated } from './storm/relocated.ts'
import { catchStrays } from './storm/strays.ts'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'piscina' },
    batch: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const { backend, seed, batch } = values
const [tasks, rounds] = [Number(values.tasks), Number(values.rounds)]
const random = randomFrom(Number(seed))
const settings = { maxThreads: 2, abortGraceMs: 0, batch }
const resourceLimits = { maxOldGenerationSizeMb: 24 }
const makeExecutor = (options: PiscinaExecutorOptions & TinypoolExecutorOptions): LaneExecutor =>
  backend === 'tinypool' ? tinypoolExecutor(options) : piscinaExecutor(options)

// The loader of the TypeScript sources has a thread of its own on some Nodes; what tells of its start must not be taken for
// the start of one of ours.
await new Promise(setImmediate)
const leftovers = new Leftovers()
const printed = catchStrays()
const executors = [makeExecutor({ ...settings, resourceLimits }), makeExecutor(settings)] as const
const counters = executors.map(countRelocated)
const faults = await stormOfFaults(executors[0], tasks, random)
const races = await abortsAgainstCompletion(executors[1], rounds, random)
// What tells of a closed port may still be on its way.
for (let turn = 0; turn < 100 && leftovers.found().length > 0; turn++) await new Promise((resolve) => setTimeout(resolve, 10))
const wrong = [...faults.wrong, ...races.wrong, ...printed.wrong, ...leftovers.found()]

const { tally } = faults
const { aborted } = races
const relocated = counters.map(({ count }) => count)
const strays = printed.strays.length
console.log(JSON.stringify({ backend, seed, batch, tally, aborted, relocated, strays, threads: leftovers.started }))
for (const line of wrong.slice(0, 20)) console.log(line)
console.log(`${tasks} tasks, ${rounds} races, ${wrong.length} wrong`)
process.exitCode = wrong.length === 0 ? 0 : 1
