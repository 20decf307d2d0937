import { context, propagation, type Span } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { traceTasks } from '@posttask/opentelemetry'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { threadBackends } from '../fixtures/backends.ts'
import { add } from '../fixtures/traced-tasks.ts'

const tasks = taskModule<typeof import('../fixtures/traced-tasks.ts')>(new URL('../fixtures/traced-tasks.ts', import.meta.url))

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
})

afterAll(() => {
  context.disable()
  propagation.disable()
})

describe.each(threadBackends)('spans of tasks on %s', (_name, makeExecutor) => {
  test('E4 the span of a task is active in its thread, in a batch as well, and the child of its poster', async () => {
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const tracer = tracerProvider.getTracer('test')
    const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const tracing = traceTasks(pool, { tracerProvider })
    const runners = [new ParallelTaskRunner(pool, { maxConcurrency: 2 }), new SequencedTaskRunner(pool)]
    const within = (index: number): Promise<(string | undefined)[]> =>
      tracer.startActiveSpan(`request ${index}`, async (span: Span) => {
        const seen = await (runners[index % 2] as ParallelTaskRunner).run(tasks.activeSpan())
        span.end()
        return [span.spanContext().spanId, ...seen]
      })
    // By the second round the function is known to be quick, and tasks share messages.
    await Promise.all(Array.from({ length: 10 }, (_, index) => within(index)))
    const seen = await Promise.all(Array.from({ length: 100 }, (_, index) => within(index)))
    await pool.close()
    const parents = new Map(
      exporter.getFinishedSpans().map((span) => [span.spanContext().spanId, span.parentSpanContext?.spanId]),
    )
    expect(seen.map(([, before, after]) => before === after)).toEqual(seen.map(() => true))
    expect(seen.map(([, before]) => parents.get(before as string))).toEqual(seen.map(([request]) => request))
    tracing[Symbol.dispose]()
  })

  test('a function that is not wrapped, or a pool that nobody traces, has no span there', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SequencedTaskRunner(pool)
    expect(await runner.run(tasks.activeSpan())).toEqual([undefined, undefined])
    using _tracing = traceTasks(pool, { tracerProvider: new BasicTracerProvider() })
    expect(await runner.run(tasks.activeSpanUntraced())).toBeUndefined()
    expect(await runner.run(tasks.add(1, 2))).toBe(3)
  })
})

test('a wrapped function may be called by anybody', () => {
  expect(add(1, 2)).toBe(3)
})
