import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, ThreadPool } from '@posttask/core'
import { expect, test } from 'vitest'

test.each<[string, unknown]>([
  ['a buffer', new ArrayBuffer(8)],
  ['a set', new Set([new ArrayBuffer(8)])],
  ['null', null],
  ['an array that holds a number', [5]],
  ['an array that holds null', [null]],
])('F6 `transfer` that is %s throws at the call', async (_, transfer) => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1 })
  expect(() => runner.run(() => 1, { transfer: transfer as never })).toThrow(TypeError)
  expect(() => runner.postTask(() => 1, { transfer: transfer as never })).toThrow('transfer must be an array of objects')
})
