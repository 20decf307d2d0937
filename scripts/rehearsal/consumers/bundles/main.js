// A program that is bundled, with its worker module as an entry of its own. Core is bundled as well, the backends are not:
// so two copies of core meet.
import assert from 'node:assert/strict'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  ModuleLoadError,
  ParallelTaskRunner,
  SequenceBound,
  SingleThreadTaskRunner,
  ThreadPool,
  taskModule,
} from '@posttask/core'

const tasks = taskModule(new URL('./tasks.js', import.meta.url))

for (const makeExecutor of [piscinaExecutor, tinypoolExecutor]) {
  const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1 })
  assert.equal(await runner.run(tasks.greet('world')), 'HELLO WORLD')
  await assert.rejects(runner.run(tasks.nothing()), ModuleLoadError)
  const counter = SequenceBound.create(new SingleThreadTaskRunner(pool), tasks.Counter, 5)
  assert.equal(await counter.call.add(2), 7)
  await pool.close()
}
console.log('consumer ok')
