import {
  KeyedTaskRunner,
  ParallelTaskRunner,
  SequenceDeadlockError,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskRunner,
} from '@posttask/core'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

const quiet = { pool: { onTaskError: () => {}, onTaskRejected: () => {} } }

const sequences = (env: TestEnvironment): readonly [TaskRunner, TaskRunner, TaskRunner] => [
  new SequencedTaskRunner(env.pool, { name: 'a' }),
  new SingleThreadTaskRunner(env.pool, { name: 'b' }),
  new SequencedTaskRunner(env.pool, { name: 'c' }),
]

/** What became of a promise by the time at which nothing moves any more. */
const outcomeOf = async (env: TestEnvironment, promise: Promise<unknown>): Promise<unknown> => {
  let outcome: unknown = 'hangs'
  promise.then(
    (value) => {
      outcome = value
    },
    (error: unknown) => {
      outcome = error
    },
  )
  await env.fastForwardUntilNoTasksRemain().catch(() => {})
  return outcome
}

describe('a cycle of waits', () => {
  test('W3 over two keys is refused at the wait that closes it, and named with the keys', async () => {
    await using env = createTestEnvironment(quiet)
    const accounts = new KeyedTaskRunner(env.pool, { name: 'accounts' })
    const [x, y] = [accounts.forKey('x'), accounts.forKey('y')]
    const seen: string[] = []
    const outcome = await outcomeOf(
      env,
      x.run(() => y.run(() => x.run(() => seen.push('innermost'), { name: 'again' }), { name: 'credit' }), { name: 'debit' }),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
    expect((outcome as Error).message).toContain(
      'accounts["y"]/credit -> accounts["x"]/again -> accounts["x"]/debit -> accounts["y"]/credit',
    )
    expect(seen).toEqual([])
    expect(accounts.stats()).toMatchObject({ running: 0, pending: 0 })
  })

  test('W3 over two sequences is refused in the task that awaits it, which may go on', async () => {
    await using env = createTestEnvironment(quiet)
    const [a, b] = sequences(env)
    const outcome = await outcomeOf(
      env,
      a.run(async function outer() {
        return await b.run(async function inner() {
          try {
            return await a.run(() => 1)
          } catch (error) {
            return error
          }
        })
      }),
    )
    expect(outcome).toBeInstanceOf(SequenceDeadlockError)
    expect((outcome as Error).message).toContain('"inner" on runner "b" awaits run() of runner "a"')
    expect(
      await outcomeOf(
        env,
        a.run(() => 'goes on'),
      ),
    ).toBe('goes on')
  })
})
