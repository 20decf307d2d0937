import type { Executor } from '@posttask/core'
import type { TestEnvironment } from '@posttask/testing'
import { createTestEnvironment } from '@posttask/testing'
import { type DrivenExecutor, executorConformance, runConformance } from '@posttask/testing/conformance'
import { describe, expect, test } from 'vitest'
import { brokenExecutors } from './broken-executors.ts'

const driven = (make: (env: TestEnvironment) => Executor) => (): DrivenExecutor => {
  // The tasks of the suite wait in real time for each other: real timers must not hold the virtual time.
  const env = createTestEnvironment({ trackIO: false })
  return {
    executor: make(env),
    async drive(body) {
      try {
        await env.run(body, { timeLimit: 100_000 })
      } finally {
        await env.discard()
      }
    },
  }
}

for (const tests of [
  executorConformance(
    'virtual',
    driven((env) => env.createExecutor()),
  ),
  executorConformance(
    'virtual threads',
    driven((env) => env.createExecutor({ workers: 2 })),
  ),
  executorConformance(
    'virtual threads that take their time',
    driven((env) => env.createExecutor({ workers: 2, cost: [1, 20] })),
  ),
]) {
  for (const { title, skip, run } of tests) test.skipIf(skip)(title, run)
}

describe('the suite rejects an executor that', () => {
  for (const { fault, caughtBy, make } of brokenExecutors) {
    test(fault, async () => {
      const results = await runConformance(executorConformance('broken', driven(make)))
      const failed = results.filter(({ outcome }) => outcome === 'failed').map(({ title }) => title)
      expect(
        failed.some((title) => caughtBy.test(title)),
        `failed: ${failed.join(', ')}`,
      ).toBe(true)
    })
  }
})
