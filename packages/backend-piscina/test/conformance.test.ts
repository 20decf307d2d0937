import { piscinaExecutor } from '@posttask/backend-piscina'
import { executorConformance } from '@posttask/testing/conformance'
import { test } from 'vitest'

// The usual grace: on a machine that is busy a thread may need long to hear of a signal, and threads start slowly.
for (const { title, skip, run } of executorConformance('piscina', () => piscinaExecutor({ maxThreads: 2 }))) {
  test.skipIf(skip)(title, { timeout: 60_000 }, run)
}
