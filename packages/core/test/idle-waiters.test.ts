import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdleWaiters } from '../src/idle-waiters.ts'
import type { TaskRecord } from '../src/task-record.ts'

const settle = (waiters: IdleWaiters, order: number): void => waiters.settled({ order } as TaskRecord)

/** Which of the waits are over, when microtasks have run. */
const overOf = (waits: readonly Promise<void>[]) => {
  const over = waits.map(() => false)
  for (const [index, wait] of waits.entries()) void wait.then(() => (over[index] = true))
  return async (): Promise<readonly boolean[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    return over
  }
}

test('W1 a wait is over when what was posted before it has settled, in whatever order', async () => {
  const waiters = new IdleWaiters()
  const over = overOf([waiters.wait(3, 2), waiters.wait(5, 4)])
  settle(waiters, 4)
  settle(waiters, 2)
  expect(await over()).toEqual([false, false])
  settle(waiters, 1)
  expect(await over()).toEqual([true, false])
  settle(waiters, 3)
  expect(await over()).toEqual([true, true])
  expect(waiters.isEmpty).toBe(true)
})

test('W1 what was posted after the last wait does not hold it up', async () => {
  const waiters = new IdleWaiters()
  const over = overOf([waiters.wait(3, 1)])
  settle(waiters, 3)
  settle(waiters, 7)
  expect([await over(), waiters.isEmpty]).toEqual([[false], false])
  settle(waiters, 2)
  expect(await over()).toEqual([true])
})

test('W1 where nothing is unsettled a wait is over at once', async () => {
  const waiters = new IdleWaiters()
  const over = overOf([waiters.wait(9, 0)])
  expect([await over(), waiters.isEmpty]).toEqual([[true], true])
})

test('W1 two waits with no post between them are one', async () => {
  const waiters = new IdleWaiters()
  const first = waiters.wait(2, 1)
  expect(waiters.wait(2, 1)).toBe(first)
  expect(waiters.wait(3, 2)).not.toBe(first)
  settle(waiters, 1)
  await first
})

test('W1 a task that joins ahead of all others is waited for by all, and by those that come later', async () => {
  const waiters = new IdleWaiters()
  const before = [waiters.wait(2, 1), waiters.wait(3, 2)]
  waiters.joined()
  const over = overOf([...before, waiters.wait(4, 4)])
  settle(waiters, 1)
  expect(await over()).toEqual([false, false, false])
  settle(waiters, 0)
  expect(await over()).toEqual([true, false, false])
  settle(waiters, 2)
  expect(await over()).toEqual([true, true, false])
  settle(waiters, 3)
  expect(await over()).toEqual([true, true, true])
})

test('W1 a task that joins where nobody waits changes nothing', async () => {
  const waiters = new IdleWaiters()
  waiters.joined()
  const over = overOf([waiters.wait(2, 1)])
  settle(waiters, 1)
  expect(await over()).toEqual([true])
})

test('W1 many waits and settlements, against the tasks themselves', async () => {
  const step = fc.oneof(fc.constant('post' as const), fc.constant('wait' as const), fc.nat())
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const waiters = new IdleWaiters()
      const unsettled: number[] = []
      const waits: { readonly for: readonly number[]; isOver: boolean }[] = []
      let posted = 0
      for (const one of steps) {
        if (one === 'post') {
          unsettled.push(posted++)
        } else if (one === 'wait') {
          const wait = { for: [...unsettled], isOver: false }
          waits.push(wait)
          void waiters.wait(posted, unsettled.length).then(() => (wait.isOver = true))
        } else {
          for (const order of unsettled.splice(one % (unsettled.length + 1), 1)) settle(waiters, order)
        }
        for (let hop = 0; hop < 4; hop++) await undefined
        expect(waits.map(({ isOver }) => isOver)).toEqual(
          waits.map((wait) => !wait.for.some((order) => unsettled.includes(order))),
        )
      }
    }),
    { numRuns: 300 },
  )
})
