import { tracingChannel } from 'node:diagnostics_channel'
import { context, metrics, type Tracer, type TracerProvider, trace } from '@opentelemetry/api'
import { Histogram, Registry } from 'prom-client'
import { noop } from '../closures.ts'
import { BareRing } from './bare-ring.ts'
import { enableContexts, metricsInMemory, spansInMemory } from './telemetry.ts'
import type { WatchedQueue } from './watched-queue.ts'

type Wrap = (closure: () => void) => () => void

const onRing = (wrap?: Wrap, empty: () => void = noop): WatchedQueue => {
  const ring = new BareRing(1)
  return { post: wrap === undefined ? (closure) => ring.post(closure) : (closure) => ring.post(wrap(closure)), empty }
}

/** Reads the clock at post, start and end, and hands both differences on, in ms. */
const timed =
  (record: (waitMs: number, runMs: number) => void): Wrap =>
  (closure) => {
    const postedAt = performance.now()
    return () => {
      const startedAt = performance.now()
      closure()
      record(startedAt - postedAt, performance.now() - startedAt)
    }
  }

const clock = (): WatchedQueue => {
  const totals = { waitMs: 0, runMs: 0 }
  return onRing(
    timed((waitMs, runMs) => {
      totals.waitMs += waitMs
      totals.runMs += runMs
    }),
  )
}

const stack = (): WatchedQueue =>
  onRing((closure) => {
    const origin: { stack?: string } = {}
    Error.captureStackTrace(origin)
    return () => {
      closure()
      void origin
    }
  })

const channels = (): WatchedQueue => {
  const runs = tracingChannel<unknown, { waitMs: number; runMs: number }>('by-hand.task')
  runs.subscribe({ start: noop, end: noop, asyncStart: noop, asyncEnd: noop, error: noop })
  return onRing((closure) => {
    const postedAt = performance.now()
    return () => {
      const startedAt = performance.now()
      const message = { waitMs: startedAt - postedAt, runMs: 0 }
      runs.traceSync(closure, message)
      message.runMs = performance.now() - startedAt
    }
  })
}

const labels = { pool: 'main', runner: 'work', kind: 'sequenced', priority: 'user-visible' }
const buckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const promClient = (): WatchedQueue => {
  const registers = [new Registry()]
  const histogram = (name: string) => new Histogram({ name, help: name, labelNames: Object.keys(labels), buckets, registers })
  const wait = histogram('wait_seconds').labels(labels)
  const run = histogram('run_seconds').labels(labels)
  return onRing(
    timed((waitMs, runMs) => {
      wait.observe(waitMs / 1000)
      run.observe(runMs / 1000)
    }),
  )
}

const openTelemetryMetrics = (): WatchedQueue => {
  metrics.setGlobalMeterProvider(metricsInMemory())
  const meter = metrics.getMeter('by-hand')
  const wait = meter.createHistogram('wait', { unit: 's', advice: { explicitBucketBoundaries: buckets } })
  const run = meter.createHistogram('run', { unit: 's', advice: { explicitBucketBoundaries: buckets } })
  return onRing(
    timed((waitMs, runMs) => {
      const attributes = { ...labels, outcome: 'succeeded' }
      wait.record(waitMs / 1000, attributes)
      run.record(runMs / 1000, attributes)
    }),
  )
}

const wrapInSpan = (tracer: Tracer, closure: () => void): (() => void) => {
  const parent = context.active()
  return () => {
    const span = tracer.startSpan('run work', { attributes: { ...labels, name: closure.name, id: 1 } }, parent)
    context.with(trace.setSpan(parent, span), closure)
    span.setAttribute('outcome', 'succeeded')
    span.end()
  }
}

const spansOf = (provider: TracerProvider | typeof trace, empty?: () => void): WatchedQueue => {
  const tracer = provider.getTracer('by-hand')
  return onRing((closure) => wrapInSpan(tracer, closure), empty)
}

/** The bare ring, and around its tasks what a program would do by hand. The first is watched by nothing. */
export const watchedByHand: readonly { readonly name: string; readonly package?: string; readonly make: () => WatchedQueue }[] = [
  { name: 'bare ring', make: () => onRing() },
  { name: 'bare ring, clock', make: clock },
  { name: 'bare ring, captureStackTrace', make: stack },
  { name: 'bare ring, tracingChannel, one listens', make: channels },
  { name: 'bare ring, prom-client histograms', package: 'prom-client', make: promClient },
  { name: 'bare ring, OpenTelemetry histograms', package: '@opentelemetry/sdk-metrics', make: openTelemetryMetrics },
  {
    name: 'bare ring, OpenTelemetry spans, no SDK',
    package: '@opentelemetry/api',
    make: () => {
      enableContexts()
      return spansOf(trace)
    },
  },
  {
    name: 'bare ring, OpenTelemetry spans, SDK in memory',
    package: '@opentelemetry/sdk-trace-base',
    make: () => {
      const { tracerProvider, empty } = spansInMemory()
      return spansOf(tracerProvider, empty)
    },
  },
]
