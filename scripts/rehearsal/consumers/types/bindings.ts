// The bindings for test tools, whose own declarations do not stand a strict compilation. It is compiled, as an ES module and as
// CommonJS, and never run.
import { SequencedTaskRunner } from '@posttask/core'
import { explore } from '@posttask/testing'
import { scheduleArbitrary } from '@posttask/testing/fast-check'
import { expect, test } from '@posttask/testing/vitest'
import { array, assert, asyncProperty, nat } from 'fast-check'

test('a delayed task runs when its time has come', async ({ env }) => {
  const handle = new SequencedTaskRunner(env.pool).postDelayedTask(() => {}, 60_000)
  await env.advanceBy(60_000)
  expect(handle.state).toBe('succeeded')
  expect(env).toBeIdle()
  // @ts-expect-error a matcher has its type
  expect(env).toHaveAdvancedTo('60_000')
})

test('a property of data and schedule', async () => {
  const property = asyncProperty(array(nat()), scheduleArbitrary(), async (items, replay) => {
    await explore(async ({ pool }) => new SequencedTaskRunner(pool).run(() => {}), { replay: [...replay, items.length] })
  })
  await assert(property)
})
