import { inlineExecutor } from '@posttask/backend-inline'
import { bindPostTask, KeyedTaskRunner, PoolTotals, SequenceBound, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { describe, expect, test } from 'vitest'

class Counter {
  count = 0
}

describe('F6 what is given in the wrong place is a TypeError that says what to give', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['new ThreadPool()', () => new ThreadPool(...([] as never as [never])), /needs an executor, such as inlineExecutor\(\)/],
    ['new ThreadPool(null)', () => new ThreadPool(null as never), /needs an executor/],
    [
      'a runner without a pool',
      () => new SequencedTaskRunner(undefined as never),
      /SequencedTaskRunner\(pool\) needs a ThreadPool/,
    ],
    ['bindPostTask', () => bindPostTask(undefined as never, () => {}), /bindPostTask needs a task runner .*undefined/],
    [
      'SequenceBound on nothing',
      () => SequenceBound.create(undefined as never, Counter),
      /SequenceBound\.create needs a task runner .*undefined/,
    ],
    ['PoolTotals of nothing', () => new PoolTotals(undefined as never), /new PoolTotals\(pool\) needs a ThreadPool/],
    ['shutdown hooks of nothing', () => installShutdownHooks(undefined as never), /installShutdownHooks needs a ThreadPool/],
  ])('%s', (_what, call, message) => {
    expect(call).toThrow(TypeError)
    expect(call).toThrow(message)
  })

  test('SequenceBound on the sequence of a key', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const keyed = new KeyedTaskRunner(pool, { name: 'accounts' })
    const call = (): unknown => SequenceBound.create(keyed.forKey(1) as never, Counter)
    expect(call).toThrow(TypeError)
    expect(call).toThrow(/one key of runner "accounts".*sequenced runner/)
  })
})
