export { type MetricsOptions, measurePool } from './measure-pool.ts'
export { type TraceOptions, traceTasks } from './trace-tasks.ts'
