import type { TaskRunner } from '@posttask/core'
import type { ExploreEnvironment } from '@posttask/testing'

/** A program with a race, and the same program without. Each throws when it went wrong. */
export interface Race {
  readonly title: string
  readonly broken: (env: ExploreEnvironment) => Promise<void>
  readonly fixed: (env: ExploreEnvironment) => Promise<void>
}

/** A client whose request may arrive at any time. */
export const request = async (
  env: ExploreEnvironment,
  runner: TaskRunner,
  name: string,
  body: () => Promise<void>,
): Promise<void> => {
  await env.point(`${name} arrives`)
  await runner.run(body, { name })
}
