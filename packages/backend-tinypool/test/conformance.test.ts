import { tinypoolExecutor } from '@posttask/backend-tinypool'
import { executorConformance } from '@posttask/testing/conformance'
import { test } from 'vitest'

for (const { title, skip, run } of executorConformance('tinypool', () => tinypoolExecutor({ maxThreads: 2, abortGraceMs: 50 }))) {
  test.skipIf(skip)(title, run)
}
