// What is built around core, used together on one pool: events, metrics, spans, traces.
import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { publishTasks, TraceRecorder, validateTrace } from '@posttask/diagnostics'
import { EventBus } from '@posttask/event-bus'
import { measurePool, traceTasks } from '@posttask/opentelemetry'
import { exportMetrics } from '@posttask/prometheus'
import { Registry } from 'prom-client'

const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', traceOrigin: true })
const registry = new Registry()
const recorder = new TraceRecorder([pool])
const watchers = [
  recorder,
  publishTasks(pool),
  measurePool(pool),
  traceTasks(pool),
  exportMetrics(pool, { registry, histograms: true }),
]
const posted = []
channel('posttask.task:post').subscribe((message) => posted.push(message.name))

const bus = new EventBus(pool, { name: 'documents' })
const paths = []
bus.subscribe('saved', ({ path }) => paths.push(path))
await bus.publish('saved', { path: 'a.txt' })
assert.deepEqual(paths, ['a.txt'])
await bus.close()

const runner = new SequencedTaskRunner(pool, { name: 'orders' })
await runner.run((context) => context.sleep(1), { name: 'charge' })
assert.ok(posted.includes('charge'))
const metrics = await registry.metrics()
assert.match(metrics, /posttask_tasks_completed_total\{pool="main",runner="orders",kind="sequenced"\} 1/)
const trace = recorder.trace()
assert.deepEqual(validateTrace(trace), [])
assert.ok(trace.traceEvents.some(({ name }) => name.includes('charge')))
for (const watcher of watchers) watcher[Symbol.dispose]()
await pool.close()
console.log('consumer ok')
