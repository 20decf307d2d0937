export { exportMetrics, type MetricsOptions } from './export-metrics.ts'
