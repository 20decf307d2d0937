import { piscinaExecutor } from '@posttask/backend-piscina'
import { executorConformance } from '@posttask/testing/conformance'
import { test } from 'vitest'

for (const { title, skip, run } of executorConformance('piscina', () => piscinaExecutor({ maxThreads: 2, abortGraceMs: 50 }))) {
  test.skipIf(skip)(title, run)
}
