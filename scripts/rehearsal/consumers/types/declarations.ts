// Our declarations, checked to the last file, beside main.ts. That nothing is missing is seen to by write-entries.mjs.
import { inlineExecutor } from '@posttask/backend-inline'
import { KeyedTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { taskContext } from '@posttask/core/worker'
import { publishTasks, type TaskMessage, TraceRecorder } from '@posttask/diagnostics'
import { EventBus, type Subscription } from '@posttask/event-bus'
import { measurePool, traceTasks } from '@posttask/opentelemetry'
import { exportMetrics } from '@posttask/prometheus'
import { createTestEnvironment } from '@posttask/testing'
import { executorConformance } from '@posttask/testing/conformance'

export { entries } from './every-entry.js'

const pool = new ThreadPool({ executor: inlineExecutor() })
export const length: Promise<number> = new SequencedTaskRunner(pool).run(() => 'four'.length)
export const keyed = new KeyedTaskRunner(pool)
export const used = [installShutdownHooks, taskContext, createTestEnvironment, executorConformance] as const

export const bus = new EventBus<{ saved: { path: string }; closed: undefined }>(pool)
export const subscription: Subscription = bus.subscribe('saved', ({ path }, context) => context.sleep(path.length))
export const published: Promise<void>[] = [bus.publish('saved', { path: 'a' }), bus.publish('closed')]
// @ts-expect-error the event has its type
bus.publish('saved', { path: 1 })
// @ts-expect-error there is no such event
bus.subscribe('opened', () => {})

export const recorder = new TraceRecorder([pool], { maxTasks: 10 })
export const events: number = recorder.trace().traceEvents.length
export const outcome = (message: TaskMessage): 'succeeded' | 'failed' | 'cancelled' | undefined => message.outcome
export const watchers: Disposable[] = [
  publishTasks(pool),
  measurePool(pool, { histograms: true }),
  traceTasks(pool, { filter: ({ name }) => name !== 'heartbeat' }),
  exportMetrics(pool, { prefix: 'app_', histograms: [0.1, 1] }),
]

// @ts-expect-error an ES module of ours has no default export, whatever its declarations are for CommonJS
export type NoDefault = typeof import('@posttask/core').default
