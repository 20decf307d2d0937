import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** As an application would, whether or not it has an SDK for spans. */
export const enableContexts = (): void => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
}

/** Every span is kept in memory until `empty`. */
export const spansInMemory = (): { readonly tracerProvider: BasicTracerProvider; readonly empty: () => void } => {
  enableContexts()
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { tracerProvider, empty: () => exporter.reset() }
}

/** Collects once an hour: never, here. */
export const metricsInMemory = (): MeterProvider => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  return new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })] })
}
