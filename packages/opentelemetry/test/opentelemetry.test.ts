import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type BoundTask, SequencedTaskRunner, type TaskContext, ThreadPool, taskModule } from '@posttask/core'
import { measurePool, type TraceOptions, traceTasks } from '@posttask/opentelemetry'
import { createTestEnvironment, type VirtualExecutorOptions } from '@posttask/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const manager = new AsyncLocalStorageContextManager()

beforeAll(() => {
  context.setGlobalContextManager(manager.enable())
})

afterAll(() => context.disable())

const fixture = taskModule<typeof import('./fixtures/add.ts')>(new URL('./fixtures/add.ts', import.meta.url))

const setUp = (options: TraceOptions = {}, executorOptions?: VirtualExecutorOptions) => {
  const env = createTestEnvironment()
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const pool = new ThreadPool({ executor: env.createExecutor(executorOptions), name: 'main', onTaskError: () => {} })
  const tracing = traceTasks(pool, { tracerProvider, ...options })
  const tracer = tracerProvider.getTracer('test')
  const end = async (): Promise<void> => {
    const closing = pool.close()
    await env.advanceBy(1000)
    await closing
    await env[Symbol.asyncDispose]()
  }
  /** Runs `body` in a span of that name. */
  const within = <R>(name: string, body: () => R): R =>
    tracer.startActiveSpan(name, (span) => {
      try {
        return body()
      } finally {
        span.end()
      }
    })
  const spanOf = (task: string): ReadableSpan | undefined =>
    exporter.getFinishedSpans().find(({ name, attributes }) => name === task || attributes['posttask.task.name'] === task)
  return { env, pool, tracer, tracing, exporter, within, spanOf, end }
}

describe('spans', () => {
  test('E4 one for each task, the child of the span in which it was posted, whoever posts beside', async () => {
    const { env, pool, within, spanOf, end } = setUp()
    const runner = new SequencedTaskRunner(pool, { name: 'orders' })
    for (const request of ['ann', 'bob']) within(request, () => runner.postTask(() => {}, { name: `for ${request}` }))
    await env.runUntilIdle()
    for (const request of ['ann', 'bob']) {
      const span = spanOf(`for ${request}`)
      expect(span?.parentSpanContext?.spanId).toBe(spanOf(request)?.spanContext().spanId)
      expect(span?.name).toBe('run orders')
      expect(span?.attributes).toMatchObject({
        'posttask.pool.name': 'main',
        'posttask.runner.name': 'orders',
        'posttask.runner.kind': 'sequenced',
        'posttask.task.priority': 'user-visible',
        'posttask.task.outcome': 'succeeded',
      })
    }
    await end()
  })

  test('E4 what the task calls, after an await too, what it posts and the reply to it are in its trace', async () => {
    const { env, pool, tracer, within, spanOf, end } = setUp()
    const runner = new SequencedTaskRunner(pool, { name: 'a' })
    const other = new SequencedTaskRunner(pool, { name: 'b' })
    const work = async (task: TaskContext): Promise<void> => {
      await task.sleep(5)
      tracer.startSpan('query').end()
      other.postTaskAndReply(
        () => {},
        () => {},
        { name: 'load', replyTo: runner, replyOptions: { name: 'show' } },
      )
    }
    within('request', () => runner.postTask(work, { name: 'work' }))
    await env.advanceBy(5)
    const parents = ['work', 'query', 'load', 'show'].map((name) => spanOf(name)?.parentSpanContext?.spanId)
    const id = (name: string) => spanOf(name)?.spanContext().spanId
    expect(parents).toEqual([id('request'), id('work'), id('work'), id('work')])
    await end()
  })

  test('D1 D3 a delayed and a repeating task begin traces of their own, with a link to their poster', async () => {
    const { env, pool, within, exporter, spanOf, end } = setUp()
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    within('request', () => {
      runner.postDelayedTask(() => {}, 10, { name: 'late' })
      runner.postRepeatingTask(() => {}, 100, { name: 'tick' })
    })
    await env.advanceBy(310)
    const request = spanOf('request')?.spanContext()
    const spans = exporter.getFinishedSpans().filter(({ name }) => name === 'run r')
    expect(spans.map(({ attributes }) => attributes['posttask.task.name'])).toEqual(['late', 'tick', 'tick', 'tick'])
    for (const span of spans) {
      expect(span.parentSpanContext).toBe(undefined)
      expect(span.links.map(({ context: link }) => link.spanId)).toEqual([request?.spanId])
    }
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(4)
    await end()
  })

  test('F2 a failure is recorded, a cancellation is no error, and a task that never ran has no span', async () => {
    const { env, pool, exporter, spanOf, end } = setUp()
    const runner = new SequencedTaskRunner(pool)
    runner.postTask(() => Promise.reject(new TypeError('bad')), { name: 'fails' })
    const handle = runner.postTask((task) => task.sleep(100), { name: 'cancelled' })
    runner.postTask(() => {}, { name: 'never' }).cancel()
    await env.advanceBy(10)
    handle.cancel()
    await env.runUntilIdle()
    expect(spanOf('fails')?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad' })
    expect(spanOf('fails')?.attributes['error.type']).toBe('TypeError')
    expect(spanOf('fails')?.events.map(({ name }) => name)).toEqual(['exception'])
    expect(spanOf('cancelled')?.status.code).toBe(SpanStatusCode.UNSET)
    expect(spanOf('cancelled')?.attributes['posttask.task.outcome']).toBe('cancelled')
    expect(exporter.getFinishedSpans()).toHaveLength(2)
    await end()
  })

  test('only where asked: a filter, and none after disposal', async () => {
    const { env, pool, tracing, exporter, end } = setUp({ filter: ({ name }) => name === 'this' })
    const runner = new SequencedTaskRunner(pool)
    for (const name of ['this', 'that']) runner.postTask(() => {}, { name })
    await env.runUntilIdle()
    tracing[Symbol.dispose]()
    runner.postTask(() => {}, { name: 'this' })
    await env.runUntilIdle()
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes['posttask.task.name'])).toEqual(['this'])
    await end()
  })

  test.each([{}, { workers: 1 }])('the span of a task that runs ends with the tracing (%o)', async (executorOptions) => {
    const { env, pool, tracing, exporter, end } = setUp({}, executorOptions)
    const runner = new SequencedTaskRunner<BoundTask>(pool as unknown as ThreadPool<BoundTask>)
    runner.postTask(fixture.add(1, 2))
    runner.postTask(fixture.add(3, 4))
    pool.addObserver({ onRun: () => tracing[Symbol.dispose]() })
    await env.runUntilIdle()
    expect(exporter.getFinishedSpans()).toHaveLength(1)
    await end()
  })

  test('E4 on threads the parent is the span of the post, not of whoever woke the pool up', async () => {
    const { env, pool, within, spanOf, end } = setUp({}, { workers: 1 })
    const runner = new SequencedTaskRunner<BoundTask>(pool as unknown as ThreadPool<BoundTask>)
    for (const request of ['ann', 'bob']) within(request, () => runner.postTask(fixture.add(1, 2), { name: `for ${request}` }))
    await env.runUntilIdle()
    for (const request of ['ann', 'bob']) {
      expect(spanOf(`for ${request}`)?.parentSpanContext?.spanId).toBe(spanOf(request)?.spanContext().spanId)
    }
    await end()
  })
})

describe('metrics', () => {
  test('what waits, runs and ended is read when it is collected; counts of closed runners stay', async () => {
    await using env = createTestEnvironment()
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
    const meterProvider = new MeterProvider({ readers: [reader] })
    const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main', onTaskError: () => {} })
    const measuring = measurePool(pool, { meterProvider, histograms: true })
    const read = async (): Promise<Record<string, number>> => {
      const { resourceMetrics } = await reader.collect()
      const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => {
            const { 'posttask.runner.name': runner, 'posttask.task.outcome': outcome } = attributes
            const key = [descriptor.name, runner, outcome].filter((part) => part !== undefined).join(' ')
            return [key, typeof value === 'number' ? value : (value as { sum: number }).sum] as const
          }),
        ),
      )
      return Object.fromEntries(points)
    }
    const jobs = new SequencedTaskRunner(pool, { name: 'job' })
    jobs.postTask(() => Promise.reject(new Error('expected')))
    jobs.postTask((task) => task.sleep(500))
    await env.advanceBy(500)
    await jobs.close()
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    runner.postTask((task) => task.sleep(100))
    runner.postTask(() => {})
    runner.postDelayedTask(() => {}, 5000)
    await env.runUntilIdle()
    expect(await read()).toMatchObject({
      'posttask.pool.slots': 1,
      'posttask.runner.pending r': 1,
      'posttask.runner.running r': 1,
      'posttask.runner.delayed r': 1,
      'posttask.tasks job succeeded': 1,
      'posttask.tasks job failed': 1,
      'posttask.tasks r cancelled': 0,
      'posttask.task.run.duration job succeeded': 0.5,
    })
    await env.advanceBy(5000)
    expect(await read()).toMatchObject({ 'posttask.runner.pending r': 0, 'posttask.tasks r succeeded': 3 })
    measuring[Symbol.dispose]()
    await meterProvider.shutdown()
    await pool.close()
  })

  test('without an SDK nothing happens, and nothing fails', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor() })
    using _metrics = measurePool(pool, { histograms: true })
    using _spans = traceTasks(pool)
    const value = new SequencedTaskRunner(pool).run(() => trace.getActiveSpan()?.isRecording())
    await env.runUntilIdle()
    expect(await value).toBe(false)
    await pool.close()
  })
})
