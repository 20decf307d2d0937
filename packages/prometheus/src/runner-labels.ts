import type { RunnerKind } from '@posttask/core'

/** Whose series it is. */
export interface RunnerLabels {
  readonly pool: string
  readonly runner: string
  readonly kind: RunnerKind
}

const numbered = /^(sequenced|parallel|single-thread|keyed)-\d+$/

/** Runners without a name of their own share one series for each kind: there may be thousands of them. */
export const runnerLabels = (pool: string, name: string, kind: RunnerKind): RunnerLabels => ({
  pool,
  runner: numbered.test(name) ? kind : name,
  kind,
})
