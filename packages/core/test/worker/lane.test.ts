import { expect, test } from 'vitest'
import { FakeLane } from './fake-threads.ts'

const fulfilled = { status: 'fulfilled', value: undefined, runMs: 0 }

test('W3 F5 a thread that ends while a cancelled task is awaited takes nothing of that to the next one', async () => {
  const fake = new FakeLane(50)
  const first = fake.run()
  fake.thread.stand()
  first.cancel(0, 'too late')
  await fake.pass(10)
  fake.holder.exit(3)
  // The next thread takes longer to start than the cancelled task would have been awaited.
  await fake.pass(1000)
  fake.thread.stand()
  expect(await first.done).toEqual([{ status: 'rejected', reason: 'too late' }])
  const second = fake.run()
  fake.thread.begin()
  fake.thread.end()
  fake.thread.tell(1)
  await fake.pass(0)
  expect(fake.lane.isBusy).toBe(false)
  expect(await second.done).toEqual([fulfilled])
  expect(fake.thread.isTerminated).toBe(false)
})
