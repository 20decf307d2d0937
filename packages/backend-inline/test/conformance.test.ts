import { inlineExecutor } from '@posttask/backend-inline'
import { executorConformance } from '@posttask/testing/conformance'
import { test } from 'vitest'

for (const { title, skip, run } of executorConformance('inline', () => inlineExecutor())) {
  test.skipIf(skip)(title, run)
}
