// A test project of a user: jest on ES modules, with the matchers and their types.
import { expect, test } from '@jest/globals'
import { SequencedTaskRunner } from '@posttask/core'
import { checkSequenced, models, RecordingObserver, runTest } from '@posttask/testing'
import { matchers, withEnvironment } from '@posttask/testing/jest'

expect.extend(matchers)

test(
  'a delayed task runs when its time has come',
  withEnvironment(async (env) => {
    const runner = new SequencedTaskRunner(env.pool, { name: 'cache' })
    runner.postDelayedTask(() => {}, 60_000, { name: 'expire' })
    expect(env).toHavePendingTask('expire', { due: 60_000, runner: 'cache' })
    expect(env).not.toBeIdle()
    await env.advanceBy(60_000)
    expect(env).toBeIdle()
    expect(env).toHaveAdvancedTo(60_000)
    expect(() => expect(env).not.toBeIdle()).toThrow(/expected not to be idle/)
  }),
)

test('what an observer saw, and a history', async () => {
  const observer = new RecordingObserver()
  await runTest((env) => new SequencedTaskRunner(env.pool).run(() => {}, { name: 'first' }), { pool: { observer } })
  expect(observer).toHaveRunInOrder('first')
  expect(checkSequenced(observer.events).ok).toBe(true)
  expect([]).toBeLinearizable(models.register(0))
  process.stdout.write('consumer ok\n')
})
