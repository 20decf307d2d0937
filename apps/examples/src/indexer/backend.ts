import type { BoundTask, Executor } from '@posttask/core'

/** The executors that there are to choose from. */
export const backendNames = ['piscina', 'tinypool', 'inline'] as const

export type BackendName = (typeof backendNames)[number]

/** Makes an executor with `jobs` slots. Only the package that is asked for is loaded. */
export async function openBackend(name: BackendName, jobs: number): Promise<Executor<BoundTask>> {
  switch (name) {
    case 'inline': {
      const { inlineExecutor } = await import('@posttask/backend-inline')
      return inlineExecutor({ maxConcurrency: jobs })
    }
    case 'piscina': {
      const { piscinaExecutor } = await import('@posttask/backend-piscina')
      return piscinaExecutor({ minThreads: jobs, maxThreads: jobs })
    }
    case 'tinypool': {
      const { tinypoolExecutor } = await import('@posttask/backend-tinypool')
      return tinypoolExecutor({ minThreads: jobs, maxThreads: jobs })
    }
  }
}
