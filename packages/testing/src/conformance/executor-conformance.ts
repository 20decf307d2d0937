import type { Executor } from '@posttask/core'
import { cancelCases } from './cancel.cases.ts'
import { type ConformanceCase, unmetRequirement } from './conformance-case.ts'
import { failureCases } from './failure.cases.ts'
import { orderCases } from './order.cases.ts'
import { resultCases } from './result.cases.ts'
import { shutdownCases } from './shutdown.cases.ts'
import { Subject } from './subject.ts'
import { timeCases } from './time.cases.ts'

/** An executor on a clock that has to be driven, and who drives it while a case runs. */
export interface DrivenExecutor {
  readonly executor: Executor
  drive(body: () => Promise<void>): Promise<void>
}

/** One case, bound to a backend. */
export interface ConformanceTest {
  /** `backend: rule and what is checked`. */
  readonly title: string
  /** Why it does not apply: what the executor does not declare. */
  readonly skip: string | undefined
  /** Fails by throwing. */
  readonly run: () => Promise<void>
}

/** Every case, as data. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...resultCases,
  ...orderCases,
  ...timeCases,
  ...failureCases,
  ...cancelCases,
  ...shutdownCases,
]

const isDriven = (made: Executor | DrivenExecutor): made is DrivenExecutor => 'drive' in made

/**
 * The tests that every backend has to pass, as data. Each case gets an executor of its own and closes it.
 *
 * ```ts
 * for (const { title, skip, run } of executorConformance('piscina', () => piscinaExecutor({ maxThreads: 2 }))) {
 *   test.skipIf(skip)(title, run)        // vitest; node:test: test(title, { skip }, run); jest: (skip ? test.skip : test)(title, run)
 * }
 * ```
 *
 * Two slots or more let every case apply. A case is skipped only for what the executor declares of itself.
 */
export const executorConformance = (name: string, makeExecutor: () => Executor | DrivenExecutor): readonly ConformanceTest[] => {
  const probe = makeExecutor()
  const declared = isDriven(probe) ? probe.executor : probe
  void declared.close()
  return conformanceCases.map(({ title, requires, run }) => {
    const unmet = unmetRequirement(declared, requires)
    return {
      title: `${name}: ${title}`,
      skip: unmet === undefined ? undefined : `the executor does not declare: ${unmet}`,
      run: async () => {
        const made = makeExecutor()
        const subject = new Subject(isDriven(made) ? made.executor : made)
        const body = async (): Promise<void> => {
          try {
            await run(subject)
          } finally {
            await subject.dispose()
          }
        }
        await (isDriven(made) ? made.drive(body) : body())
      },
    }
  })
}

/** What one case came to. */
export interface ConformanceResult {
  readonly title: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly error: unknown
}

/** Runs the tests without any test runner. */
export const runConformance = async (tests: readonly ConformanceTest[]): Promise<readonly ConformanceResult[]> => {
  const results: ConformanceResult[] = []
  for (const { title, skip, run } of tests) {
    if (skip !== undefined) {
      results.push({ title, outcome: 'skipped', error: undefined })
      continue
    }
    const error = await run().then(
      () => undefined,
      (reason: unknown) => reason ?? new Error('a case rejected without a reason'),
    )
    results.push({ title, outcome: error === undefined ? 'passed' : 'failed', error })
  }
  return results
}
