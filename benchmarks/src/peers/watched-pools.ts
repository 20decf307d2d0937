import { subscribe, tracingChannel } from 'node:diagnostics_channel'
import { inlineExecutor } from '@posttask/backend-inline'
import { type Observer, type RunnerOptions, SequencedTaskRunner, ThreadPool, type ThreadPoolOptions } from '@posttask/core'
import { publishTasks, TraceRecorder } from '@posttask/diagnostics'
import { measurePool, traceTasks } from '@posttask/opentelemetry'
import { exportMetrics } from '@posttask/prometheus'
import { Registry } from 'prom-client'
import { noop } from '../closures.ts'
import { enableContexts, metricsInMemory, spansInMemory } from './telemetry.ts'
import type { WatchedQueue } from './watched-queue.ts'

/** What is switched on. `watch` may return what lets go of the collected. */
interface Watching {
  readonly pool?: Omit<ThreadPoolOptions, 'executor'>
  readonly runner?: RunnerOptions
  readonly watch?: (pool: ThreadPool) => unknown
}

const makeQueue = ({ pool: options, runner: runnerOptions, watch }: Watching): WatchedQueue => {
  const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', ...options })
  const empty = watch?.(pool)
  const runner = new SequencedTaskRunner(pool, { name: 'work', ...runnerOptions })
  return {
    post: (closure) => {
      runner.postTask(closure)
    },
    empty: typeof empty === 'function' ? (empty as () => void) : noop,
  }
}

const nullObserver: Observer = { onPosted: noop, onStarted: noop, onFinished: noop }

const publish = (pool: ThreadPool): void => {
  publishTasks(pool)
}

const recordTrace = (pool: ThreadPool): (() => void) => {
  let recorder = new TraceRecorder([pool], { maxTasks: 1e6 })
  return () => {
    recorder[Symbol.dispose]()
    recorder = new TraceRecorder([pool], { maxTasks: 1e6 })
  }
}

const spans = (pool: ThreadPool): (() => void) => {
  const { tracerProvider, empty } = spansInMemory()
  traceTasks(pool, { tracerProvider })
  return empty
}

const watchings: Readonly<Record<string, Watching>> = {
  posttask: {},
  // A pool that is watched makes a record for each task. So does one with a queue limit, here one that is never reached:
  // the difference to it is what the watcher costs, and not what the other way to queue does.
  'posttask, queue limit': { runner: { queueLimit: 1e9 } },
  'posttask, an observer of nothing': { pool: { observer: {} } },
  'posttask, timing': { pool: { timing: true } },
  'posttask, an observer that does nothing': { pool: { observer: nullObserver } },
  'posttask, history': { runner: { history: 100 } },
  'posttask, traceOrigin': { pool: { traceOrigin: true } },
  'posttask, channels, nobody listens': { watch: publish },
  'posttask, channels, one listens': {
    watch: (pool) => {
      tracingChannel('posttask.task').subscribe({ start: noop, end: noop, asyncStart: noop, asyncEnd: noop, error: noop })
      subscribe('posttask.task:post', noop)
      publish(pool)
    },
  },
  'posttask, trace recorder': { watch: recordTrace },
  'posttask, Prometheus': { watch: (pool) => void exportMetrics(pool, { registry: new Registry() }) },
  'posttask, Prometheus, histograms': {
    watch: (pool) => void exportMetrics(pool, { registry: new Registry(), histograms: true }),
  },
  'posttask, OpenTelemetry metrics': { watch: (pool) => void measurePool(pool, { meterProvider: metricsInMemory() }) },
  'posttask, OpenTelemetry metrics, histograms': {
    watch: (pool) => void measurePool(pool, { meterProvider: metricsInMemory(), histograms: true }),
  },
  'posttask, OpenTelemetry spans, no SDK': {
    watch: (pool) => {
      enableContexts()
      traceTasks(pool)
    },
  },
  'posttask, OpenTelemetry spans, SDK in memory': { watch: spans },
}

/** Our pool on this event loop, by what watches it. The first is watched by nothing. */
export const watchedPools: readonly { readonly name: string; readonly make: () => WatchedQueue }[] = Object.entries(
  watchings,
).map(([name, watching]) => ({ name, make: () => makeQueue(watching) }))
