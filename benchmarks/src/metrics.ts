/** What a metric is called in tables, and its unit. */
export interface Metric {
  readonly label: string
  readonly unit: string
}

/** Every metric that a `Sample` may have. In all of them less is better, but for `perSecond`. */
export const metrics: Readonly<Record<string, Metric>> = {
  cpuNs: { label: 'CPU', unit: 'ns/task' },
  wallNs: { label: 'wall', unit: 'ns/task' },
  bytes: { label: 'heap', unit: 'bytes/task' },
  allocatedBytes: { label: 'allocated, garbage included', unit: 'bytes/post' },
  objects: { label: 'objects left', unit: 'per post' },
  postNs: { label: 'post, CPU', unit: 'ns/task' },
  cancelNs: { label: 'cancel, CPU', unit: 'ns/task' },
  fireNs: { label: 'fire, CPU', unit: 'ns/task' },
  drainNs: { label: 'drain, CPU', unit: 'ns/task' },
  latenessP99Ms: { label: 'lateness p99', unit: 'ms' },
  delayP99Ms: { label: 'loop delay p99', unit: 'ms' },
  delayMaxMs: { label: 'loop delay max', unit: 'ms' },
  perSecond: { label: 'throughput', unit: 'tasks/s' },
  urgentMs: { label: 'urgent task, wait p90', unit: 'ms' },
  ahead: { label: 'tasks that ended while it waited, p90', unit: 'tasks' },
  startMs: { label: 'first result', unit: 'ms' },
  importMs: { label: 'import', unit: 'ms' },
  idleMB: { label: 'idle pool of 2', unit: 'MB' },
  gzipBytes: { label: 'minified and gzipped', unit: 'bytes' },
}

export const metricOf = (name: string): Metric => metrics[name] ?? { label: name, unit: '' }

/** A figure with as many digits as it deserves. */
export const formatNumber = (value: number): string => {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(size >= 10 ? 1 : 2)
}
