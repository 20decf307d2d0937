// Our declarations, checked to the last file. Those of piscina and tinypool do not stand that, so the thread backends, which
// name their types, are left to main.ts.
import { inlineExecutor } from '@posttask/backend-inline'
import { KeyedTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { taskContext } from '@posttask/core/worker'
import { createTestEnvironment } from '@posttask/testing'
import { executorConformance } from '@posttask/testing/conformance'

const pool = new ThreadPool({ executor: inlineExecutor() })
export const length: Promise<number> = new SequencedTaskRunner(pool).run(() => 'four'.length)
export const keyed = new KeyedTaskRunner(pool)
export const used = [installShutdownHooks, taskContext, createTestEnvironment, executorConformance] as const
