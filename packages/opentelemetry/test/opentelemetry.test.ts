import { context, SpanStatusCode, type TracerProvider, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type BoundTask, type Observer, SequencedTaskRunner, type TaskContext, ThreadPool, taskModule } from '@posttask/core'
import { measurePool, type TraceOptions, traceTasks } from '@posttask/opentelemetry'
import { createTestEnvironment, type VirtualExecutorOptions } from '@posttask/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const manager = new AsyncLocalStorageContextManager()

beforeAll(() => {
  context.setGlobalContextManager(manager.enable())
})

afterAll(() => context.disable())

const fixture = taskModule<typeof import('./fixtures/add.ts')>(new URL('./fixtures/add.ts', import.meta.url))

const fail = (): never => {
  throw new Error('expected')
}

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

  test('C2 a task that is out of time is an error', async () => {
    const { env, pool, spanOf, end } = setUp()
    new SequencedTaskRunner(pool).postTask((task) => task.sleep(1000), { name: 'slow', timeout: 20 })
    await env.advanceBy(20)
    expect(spanOf('slow')?.status.code).toBe(SpanStatusCode.ERROR)
    expect(spanOf('slow')?.attributes).toMatchObject({
      'error.type': 'TaskTimeoutError',
      'posttask.task.outcome': 'cancelled',
    })
    await end()
  })

  test('the span of a task whose error throws when it is read ends, as one of an error', async () => {
    const { env, pool, spanOf, end } = setUp()
    const unreadable = Object.defineProperty(new Error(), 'message', { get: fail })
    new SequencedTaskRunner(pool).postTask(() => Promise.reject(unreadable), { name: 'fails' })
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    await env.runUntilIdle()
    printed.mockRestore()
    expect(spanOf('fails')?.status.code).toBe(SpanStatusCode.ERROR)
    await end()
  })

  test('runners without a name of their own share the name of their spans', async () => {
    const { env, pool, exporter, end } = setUp()
    for (let n = 0; n < 2; n++) new SequencedTaskRunner(pool).postTask(() => {})
    await env.runUntilIdle()
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['run sequenced', 'run sequenced'])
    expect(exporter.getFinishedSpans()[1]?.attributes['posttask.runner.name']).toBe('sequenced-2')
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

  test.each([
    ['onRun', {}],
    ['onStarted', { workers: 1 }],
  ])('a span ends at once where an observer ahead has disposed the tracing (%s)', async (method, executorOptions) => {
    const env = createTestEnvironment()
    const spans: string[] = []
    const span = { end: () => spans.push('ended'), setAttribute: () => {}, spanContext: () => ({}) }
    const tracerProvider = { getTracer: () => ({ startSpan: () => spans.push('begins') && span }) } as unknown as TracerProvider
    const pool = env.createPool(executorOptions)
    pool.addObserver({ [method]: () => tracing[Symbol.dispose]() })
    const tracing = traceTasks(pool, { tracerProvider })
    new SequencedTaskRunner(pool).postTask(fixture.add(1, 2))
    await env.runUntilIdle()
    expect(spans).toEqual(['begins', 'ended'])
    await env[Symbol.asyncDispose]()
  })

  test('F5 the span of a task that was on its way to a thread that was lost ends when the task is given up', () => {
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    let observer: Required<Observer> | undefined
    const addObserver = (added: Required<Observer>): Disposable => {
      observer = added
      return { [Symbol.dispose]: () => {} }
    }
    traceTasks({ name: 'main', bringsContext: false, addObserver } as unknown as ThreadPool, { tracerProvider })
    const event = { name: 'work', task: { id: 1 }, runner: { name: 'r', kind: 'sequenced' }, carry: () => {} } as never
    observer?.onPosted(event)
    observer?.onStarted(event)
    expect(exporter.getFinishedSpans()).toHaveLength(0)
    observer?.onRejected(event)
    expect(exporter.getFinishedSpans()).toHaveLength(1)
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

/** A pool, and what is exported of it as `instrument runner outcome`. */
const setUpMetrics = () => {
  const env = createTestEnvironment()
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main', onTaskError: () => {} })
  const read = async (
    pick: (value: { sum: number; count: number }) => number = ({ sum }) => sum,
  ): Promise<Record<string, number>> => {
    const { resourceMetrics } = await reader.collect()
    const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => {
          const { 'posttask.runner.name': runner, 'posttask.task.outcome': outcome } = attributes
          const key = [descriptor.name, runner, outcome].filter((part) => part !== undefined).join(' ')
          return [key, typeof value === 'number' ? value : pick(value as { sum: number; count: number })] as const
        }),
      ),
    )
    return Object.fromEntries(points)
  }
  const end = async (): Promise<void> => {
    await meterProvider.shutdown()
    await pool.close()
    await env[Symbol.asyncDispose]()
  }
  return { env, pool, meterProvider, read, end }
}

describe('metrics', () => {
  test('what waits, runs and ended is read when it is collected; counts of closed runners stay', async () => {
    const { env, pool, meterProvider, read, end } = setUpMetrics()
    const measuring = measurePool(pool, { meterProvider, histograms: true })
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
    await end()
  })

  test('a task that never started has waited, and has not run', async () => {
    const { env, pool, meterProvider, read, end } = setUpMetrics()
    using _measuring = measurePool(pool, { meterProvider, histograms: true })
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    runner.postTask((task) => task.sleep(10))
    const waits = runner.postTask(() => {})
    await env.advanceBy(5)
    waits.cancel()
    await env.advanceBy(5)
    const metrics = await read()
    expect(metrics['posttask.task.queue.duration r cancelled']).toBe(0.005)
    expect(Object.keys(metrics).filter((name) => name.startsWith('posttask.task.run.duration'))).toEqual([
      'posttask.task.run.duration r succeeded',
    ])
    await end()
  })

  test('who measures a pool that is measured already counts nothing twice; the last one ends it', async () => {
    const { env, pool, meterProvider, read, end } = setUpMetrics()
    const first = measurePool(pool, { meterProvider })
    const runOne = async (): Promise<void> => {
      const runner = new SequencedTaskRunner(pool, { name: 'r' })
      runner.postTask(() => {})
      await env.runUntilIdle()
      await runner.close()
    }
    await runOne()
    const others = [1, 2].map(() => measurePool(pool, { meterProvider, histograms: true }))
    await runOne()
    const counts = async () => {
      const metrics = await read(({ count }) => count)
      return [metrics['posttask.tasks r succeeded'], metrics['posttask.task.run.duration r succeeded']]
    }
    expect(await counts()).toEqual([2, 1])
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    others[0]?.[Symbol.dispose]()
    await runOne()
    expect(await counts()).toEqual([3, 2])
    others[1]?.[Symbol.dispose]()
    await runOne()
    expect((await counts())[1]).toBe(2)
    using _again = measurePool(pool, { meterProvider, histograms: true })
    await runOne()
    expect((await counts())[1]).toBe(3)
    await end()
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
