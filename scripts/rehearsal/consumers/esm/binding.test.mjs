// A test project of a user: vitest, with the test environment that comes as a fixture.
import { SequencedTaskRunner } from '@posttask/core'
import { expect, test } from '@posttask/testing/vitest'

test('a delayed task runs when its time has come', async ({ env }) => {
  const handle = new SequencedTaskRunner(env.pool).postDelayedTask(() => {}, 60_000)
  await env.advanceBy(59_999)
  expect(handle.state).toBe('delayed')
  await env.advanceBy(1)
  expect(handle.state).toBe('succeeded')
  console.log('consumer ok')
})
