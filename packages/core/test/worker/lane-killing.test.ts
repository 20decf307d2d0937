import { describe, expect, test } from 'vitest'
import { encodeThrown } from '../../src/worker/encode-thrown.ts'
import { threadMessage } from '../../src/worker/protocol.ts'
import { FakeLane } from './fake-threads.ts'

const fulfilled = { status: 'fulfilled', value: undefined, runMs: 0 }
const lost = { status: 'lost' }

/** Whether a promise has settled by now. */
const watch = (promise: Promise<unknown>) => {
  const seen = { isSettled: false }
  void promise.then(() => (seen.isSettled = true))
  return seen
}

const standing = async (abortGraceMs?: number): Promise<FakeLane> => {
  const fake = new FakeLane(abortGraceMs)
  const warm = fake.lane.warm()
  fake.thread.stand()
  await warm
  return fake
}

describe('when a lane ends its thread', () => {
  test('C3 the grace of a task that ended in time ends nothing of the next job', async () => {
    const fake = await standing(50)
    const first = fake.run()
    fake.thread.begin()
    first.cancel(0, 'stop')
    fake.thread.end()
    fake.thread.tell(1)
    await first.done
    const second = fake.run()
    fake.thread.begin()
    await fake.pass(1000)
    expect(fake.thread.isTerminated).toBe(false)
    fake.thread.end()
    fake.thread.tell(1)
    expect(await second.done).toEqual([fulfilled])
  })

  test('C3 the grace of a task of a batch ends no other that runs by then', async () => {
    const fake = await standing(50)
    const { done, cancel } = fake.run(2)
    fake.thread.begin(0)
    cancel(0, 'stop')
    fake.thread.end(0)
    fake.thread.begin(1)
    await fake.pass(1000)
    expect(fake.thread.isTerminated).toBe(false)
    fake.thread.end(1)
    fake.thread.tell(2)
    expect(await done).toEqual([fulfilled, fulfilled])
  })

  test('C3 a thread that is between two tasks of a batch has come by, and is not ended for one that will not start', async () => {
    const fake = await standing(0)
    const { done, cancel } = fake.run(3)
    fake.thread.begin(0)
    cancel(1, 'not you')
    await fake.pass(0)
    fake.thread.end(0)
    await fake.pass(100)
    expect(fake.thread.isTerminated).toBe(false)
    fake.thread.begin(2)
    await fake.pass(1000)
    expect(fake.thread.isTerminated).toBe(false)
    fake.thread.end(2)
    fake.thread.tell(3)
    expect(await done).toEqual([fulfilled, { status: 'rejected', reason: 'not you' }, fulfilled])
  })

  test('C2 the place stays taken until another thread stands, though the task ended after all', async () => {
    const fake = await standing(0)
    const { done, cancel } = fake.run()
    fake.thread.begin()
    const seen = watch(done)
    cancel(0, 'stop')
    expect(fake.thread.isTerminated).toBe(true)
    fake.thread.end()
    fake.thread.tell(1)
    await fake.pass(0)
    expect([seen.isSettled, fake.lane.isBusy]).toEqual([false, true])
    fake.holder.exit()
    await fake.pass(0)
    expect([seen.isSettled, fake.lane.isBusy]).toEqual([false, true])
    fake.thread.stand()
    await done
    expect(fake.lane.isBusy).toBe(false)
  })

  test('F5 what was lost because we ended its thread is not blamed, however often', async () => {
    const fake = await standing(0)
    const { executions, ...first } = fake.run(2)
    fake.thread.begin(0)
    first.cancel(0, 'stop')
    fake.holder.exit()
    fake.thread.stand()
    expect(await first.done).toEqual([{ status: 'rejected', reason: 'stop' }, lost])
    const again = fake.run(2, undefined, [undefined, executions[1]])
    fake.thread.begin(0)
    again.cancel(0, 'stop')
    fake.holder.exit()
    fake.thread.stand()
    expect(await again.done).toEqual([{ status: 'rejected', reason: 'stop' }, lost])
    expect(fake.strays).toEqual([])
  })
})

describe('when the thread of a lane ends', () => {
  test('F5 what it said of its end is told, though it comes with the end', async () => {
    const fake = await standing()
    const { done } = fake.run()
    fake.thread.begin()
    fake.thread.tell([threadMessage.crash, encodeThrown(new RangeError('left behind'))])
    fake.holder.exit()
    fake.thread.stand()
    expect(await done).toMatchObject([{ reason: { code: 'ERR_WORKER_CRASHED', cause: { message: 'left behind' } } }])
  })

  test('F5 a batch is over when another thread stands', async () => {
    const fake = await standing()
    const { done } = fake.run(2)
    const seen = watch(done)
    fake.thread.begin()
    fake.holder.exit(4)
    await fake.pass(0)
    expect([seen.isSettled, fake.lane.isBusy]).toEqual([false, true])
    fake.thread.stand()
    expect(await done).toMatchObject([{ reason: { exitCode: 4 } }, lost])
  })

  test('F5 what was moved there is gone: a task that it belonged to does not run again', async () => {
    const fake = await standing()
    const { done } = fake.run(1, undefined, [], [new ArrayBuffer(8)])
    fake.holder.exit(4)
    expect(fake.thread.received()).toEqual([])
    fake.thread.stand()
    expect(await done).toMatchObject([{ status: 'rejected', reason: { exitCode: 4 } }])
  })

  test('W6 a lane that was released is cold at once, and the end of its thread is no event', async () => {
    const fake = await standing()
    const [holder] = fake.holders
    const released = fake.lane.release()
    expect([fake.lane.isWarm, holder?.isDestroyed]).toEqual([false, true])
    const { done } = fake.run()
    expect(fake.holders).toHaveLength(2)
    holder?.exit()
    await released
    expect([fake.strays, fake.lane.isBusy]).toEqual([[], true])
    fake.thread.stand()
    fake.thread.begin()
    fake.thread.end()
    fake.thread.tell(1)
    expect(await done).toEqual([fulfilled])
  })

  test('F5 a thread that ends with nothing to do is an event, and a task that it had not started runs on the next', async () => {
    const fake = await standing()
    fake.holder.exit(5)
    expect(fake.strays).toMatchObject([{ code: 'ERR_WORKER_CRASHED', exitCode: 5 }])
    const { done } = fake.run()
    fake.thread.stand()
    await fake.pass(0)
    fake.holder.exit(6)
    fake.thread.stand()
    expect(fake.thread.begin()).toBe(true)
    fake.thread.end()
    fake.thread.tell(1)
    expect(await done).toEqual([fulfilled])
  })
})
