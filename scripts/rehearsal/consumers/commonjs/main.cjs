// A CommonJS project: require() of ES modules, and a worker module that is CommonJS.
const assert = require('node:assert/strict')
const { pathToFileURL } = require('node:url')
const { inlineExecutor } = require('@posttask/backend-inline')
const { piscinaExecutor } = require('@posttask/backend-piscina')
const { tinypoolExecutor } = require('@posttask/backend-tinypool')
const { ParallelTaskRunner, SequencedTaskRunner, ThreadPool, taskModule } = require('@posttask/core')
const { installShutdownHooks } = require('@posttask/core/node')
const { taskContext } = require('@posttask/core/worker')
const { TraceRecorder } = require('@posttask/diagnostics')
const { EventBus } = require('@posttask/event-bus')
const { traceTasks } = require('@posttask/opentelemetry')
const { exportMetrics } = require('@posttask/prometheus')
const { createTestEnvironment } = require('@posttask/testing')
const { register } = require('prom-client')

const tasks = taskModule(pathToFileURL(require.resolve('./tasks.cjs')))

const main = async () => {
  assert.equal(typeof taskContext, 'function')
  const inline = new ThreadPool({ executor: inlineExecutor() })
  installShutdownHooks(inline).dispose()
  const recorder = new TraceRecorder([inline])
  const watchers = [recorder, traceTasks(inline), exportMetrics(inline)]
  const bus = new EventBus(inline)
  let saved = ''
  bus.subscribe('saved', (path) => (saved = path))
  await bus.publish('saved', 'a.txt')
  assert.equal(saved, 'a.txt')
  assert.match(await register.metrics(), /^posttask_tasks_completed_total/m)
  assert.ok(recorder.trace().traceEvents.length > 0)
  for (const watcher of watchers) watcher[Symbol.dispose]()
  assert.equal(await new SequencedTaskRunner(inline).run(() => 'here'), 'here')
  await inline.close()
  for (const makeExecutor of [piscinaExecutor, tinypoolExecutor]) {
    const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    assert.equal(await new ParallelTaskRunner(pool, { maxConcurrency: 1 }).run(tasks.double(21)), 42)
    await pool.close()
  }
  // Two ways to one module are one module.
  assert.equal((await import('@posttask/core')).ThreadPool, ThreadPool)
  const env = createTestEnvironment()
  assert.ok(env.pool instanceof ThreadPool)
  await env[Symbol.asyncDispose]()
  console.log('consumer ok')
}

void main()
