import type { Registry } from 'prom-client'

/**
 * Registers the metrics that `make` makes, or none of them: where a name is taken, those ahead of it are taken out again.
 * @throws Error that names the metric
 */
export const allOrNone = <Metrics>(registry: Registry, make: () => Metrics): Metrics => {
  const before = new Set<object>(registry.getMetricsAsArray())
  try {
    return make()
  } catch (cause) {
    for (const metric of registry.getMetricsAsArray()) if (!before.has(metric)) registry.removeSingleMetric(metric.name)
    throw new Error(`exportMetrics cannot register its metrics: ${(cause as Error).message} Give it another prefix.`, { cause })
  }
}
