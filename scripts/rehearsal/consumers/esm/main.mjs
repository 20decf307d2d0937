// An ES module project: every entry, every backend, threads that load modules of this project.
import assert from 'node:assert/strict'
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  bindPostTask,
  currentTaskRunner,
  KeyedTaskRunner,
  ModuleLoadError,
  ParallelTaskRunner,
  RunnerClosedError,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  sequenceLocal,
  TaskSerializationError,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { createTestEnvironment, runTest } from '@posttask/testing'
import { executorConformance, runConformance } from '@posttask/testing/conformance'
import { withEnvironment } from '@posttask/testing/node-test'

const tasks = taskModule(new URL('./tasks.mjs', import.meta.url))

const inline = new ThreadPool({ executor: inlineExecutor() })
const hooks = installShutdownHooks(inline)
const sequence = new SequencedTaskRunner(inline, { name: 'sequence' })
const order = []
sequence.postTask(async (context) => {
  await context.sleep(1)
  order.push(1)
})
sequence.postTask(() => order.push(2))
await sequence.waitIdle()
assert.deepEqual(order, [1, 2])
assert.equal(await sequence.run(() => currentTaskRunner()), sequence)
assert.equal(await sequence.run(tasks.double(4)), 8)
const local = sequenceLocal(() => 'local')
assert.equal(await sequence.run(() => local.get()), 'local')
const posted = bindPostTask(sequence, () => order.push(3))
posted()
await sequence.waitIdle()
assert.equal(order.length, 3)
const keyed = new KeyedTaskRunner(inline, { maxConcurrency: 2 })
assert.equal(await keyed.forKey('a').run(() => 'keyed'), 'keyed')
await sequence.close()
await assert.rejects(
  sequence.run(() => {}),
  RunnerClosedError,
)
hooks.dispose()
await inline.close()

for (const [name, makeExecutor] of Object.entries({ piscina: piscinaExecutor, tinypool: tinypoolExecutor })) {
  const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2, abortGraceMs: 0 }), name })
  const parallel = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  const single = new SingleThreadTaskRunner(pool)
  assert.equal(await parallel.run(tasks.double(21)), 42)
  assert.deepEqual([await single.run(tasks.countCalls()), await single.run(tasks.countCalls())], [1, 2])
  const steps = []
  await parallel.run(tasks.report(3), { onProgress: (step) => steps.push(step) })
  assert.deepEqual(steps, [1, 2, 3])
  const doubled = []
  for await (const value of parallel.map([1, 2, 3], tasks.double)) doubled.push(value)
  assert.deepEqual(doubled, [2, 4, 6])
  const failure = await parallel.run(tasks.fail('too far')).catch((error) => error)
  assert.ok(failure instanceof RangeError && failure.cause instanceof Error)
  await assert.rejects(parallel.run(tasks.double(() => {})), TaskSerializationError)
  await assert.rejects(parallel.run(tasks.nothing()), ModuleLoadError)
  const aborter = new AbortController()
  const spinning = parallel.run(tasks.spin(), { signal: aborter.signal })
  aborter.abort(new Error('enough'))
  await assert.rejects(spinning, /enough/)
  const counter = SequenceBound.create(single, tasks.Counter, 5)
  assert.equal(await counter.call.add(2), 7)
  await counter[Symbol.asyncDispose]()
  assert.throws(() => parallel.postTask(() => {}), TypeError)
  await pool.close()
}

const env = createTestEnvironment()
const delayed = new SequencedTaskRunner(env.pool)
let isDone = false
delayed.postDelayedTask(() => (isDone = true), 3_600_000)
await env.advanceBy(3_599_999)
assert.equal(isDone, false)
await env.advanceBy(1)
assert.equal(isDone, true)
env.verify()
await runTest(async ({ pool, clock }) => {
  await new SequencedTaskRunner(pool).run((context) => context.sleep(1000))
  assert.equal(clock.now(), 1000)
})
await withEnvironment(({ clock }) => assert.equal(clock.now(), 0))()

for (const [name, makeExecutor] of Object.entries({
  inline: () => inlineExecutor({ maxConcurrency: 4 }),
  piscina: () => piscinaExecutor({ maxThreads: 2, abortGraceMs: 50 }),
})) {
  const results = await runConformance(executorConformance(name, makeExecutor))
  const failed = results.filter(({ outcome }) => outcome === 'failed')
  assert.deepEqual(
    failed.map(({ title, error }) => `${title}: ${String(error)}`),
    [],
  )
  assert.ok(results.some(({ outcome }) => outcome === 'passed'))
}
console.log('consumer ok')
