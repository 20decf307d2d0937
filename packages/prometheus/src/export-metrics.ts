import type { Task, ThreadPool } from '@posttask/core'
import { type Registry, register } from 'prom-client'
import { allOrNone } from './all-or-none.ts'
import { Collectors } from './collectors.ts'

/** Options of `exportMetrics`. */
export interface MetricsOptions {
  /** Default: the global registry of prom-client. */
  readonly registry?: Registry | undefined
  /** Ahead of every name. Default `posttask_`. */
  readonly prefix?: string | undefined
  /**
   * Histograms of wait and run times, with buckets in seconds or with buckets of ours. The only part that costs something
   * per task: two to three microseconds, the timing of the pool included. Default: none.
   */
  readonly histograms?: boolean | readonly number[] | undefined
}

const collectorsOf = new WeakMap<Registry, Map<string, Collectors>>()

/**
 * Adds the metrics of a pool to a registry; README.md lists their names. Everything but the histograms is read from
 * `pool.stats()` when it is scraped. Several pools, and several exporters of one pool, share the collectors of a
 * registry; pools are told apart by their names. Disposing what it returns takes the pool out again.
 * @throws Error where the registry has a metric of somebody else's by a name of ours; nothing of the pool
 * is exported then
 */
export const exportMetrics = <Accepts extends Task>(pool: ThreadPool<Accepts>, options: MetricsOptions = {}): Disposable => {
  const { registry = register, prefix = 'posttask_', histograms = false } = options
  const anyPool = pool as unknown as ThreadPool
  const collectors = sharedCollectors(registry, prefix)
  const buckets = typeof histograms === 'boolean' ? undefined : histograms
  const durations = histograms === false ? undefined : collectors.histograms(buckets)
  collectors.add(anyPool)
  durations?.add(anyPool)
  let isExported = true
  return {
    [Symbol.dispose]: () => {
      if (!isExported) return
      isExported = false
      durations?.remove(anyPool)
      collectors.remove(anyPool)
    },
  }
}

const sharedCollectors = (registry: Registry, prefix: string): Collectors => {
  let byPrefix = collectorsOf.get(registry)
  if (byPrefix === undefined) {
    byPrefix = new Map()
    collectorsOf.set(registry, byPrefix)
  }
  const known = byPrefix.get(prefix)
  if (known?.isRegistered) return known
  const made = allOrNone(registry, () => new Collectors(registry, prefix))
  byPrefix.set(prefix, made)
  return made
}
