import { inlineExecutor } from '@posttask/backend-inline'
import { ThreadPool } from '@posttask/core'

/** How our pool is measured: as it comes, and without the poster's async context. */
export const poolVariants = [
  { name: 'posttask', options: {} },
  { name: 'posttask, asyncContext: false', options: { asyncContext: false } },
] as const

export type PoolOptions = (typeof poolVariants)[number]['options']

/** A pool on this event loop. */
export const inlinePool = (options: PoolOptions = {}): ThreadPool => new ThreadPool({ executor: inlineExecutor(), ...options })
