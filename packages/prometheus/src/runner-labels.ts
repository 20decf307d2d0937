import { PoolTotals, type RunnerKind } from '@posttask/core'

/** Whose series it is. */
export interface RunnerLabels {
  readonly pool: string
  readonly runner: string
  readonly kind: RunnerKind
}

/** Runners without a name of their own share one series for each kind. */
export const runnerLabels = (pool: string, runner: { readonly name: string; readonly kind: RunnerKind }): RunnerLabels => ({
  pool,
  runner: PoolTotals.nameOf(runner),
  kind: runner.kind,
})
