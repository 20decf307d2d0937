import { inlineExecutor } from '@posttask/backend-inline'
import { currentTask, ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { describe, expect, test } from 'vitest'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('currentTask()', () => {
  test('S2 outside of a task there is none', () => {
    expect(currentTask()).toBeUndefined()
  })

  test('S2 in the synchronous part of a task it is the context of that task', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    const seen = await runner.run(
      (context) => {
        const task = currentTask()
        return { isContext: task === context, name: task?.name, id: task?.id, priority: task?.priority, runner: task?.runner }
      },
      { name: 'asked', priority: 'user-blocking' },
    )
    expect(seen).toMatchObject({ isContext: true, name: 'asked', priority: 'user-blocking' })
    expect(seen.runner).toBe(runner)
    expect(currentTask()).toBeUndefined()
  })

  test('C2 deep down, its signal is that of the task', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const fetchSomething = (): Promise<unknown> => {
      const signal = currentTask()?.signal
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
    const handle = runner.spawn(() => fetchSomething())
    await turn()
    handle.cancel('no more')
    await expect(handle.result).rejects.toBe('no more')
    await runner.waitIdle()
  })

  test.each([
    [true, 'known'],
    [false, 'undefined'],
  ])('S2 after an await, with trackRunner %s, it is %s', async (trackRunner, expected) => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), trackRunner })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    const task = async (): Promise<string | undefined> => {
      await turn()
      return currentTask()?.name
    }
    const names = await Promise.all([runner.run(task, { name: 'a' }), runner.run(task, { name: 'b' })])
    expect(names).toEqual(expected === 'known' ? ['a', 'b'] : [undefined, undefined])
  })
})
