import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { SequencedTaskRunner, TaskTimeoutError, taskModule } from '@posttask/core'
import { runTest } from '@posttask/testing'
import { expect, test } from 'vitest'
import type * as Failures from './fixtures/failures.ts'

const { failAs, giveUnreadable } = taskModule<typeof Failures>(new URL('./fixtures/failures.ts', import.meta.url))

const arrives = async (kind: Parameters<typeof Failures.failAs>[0]): Promise<Error> => {
  let arrived: unknown
  await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.createPool({ workers: 1 }))
    arrived = await runner.run(failAs(kind)).catch((error: unknown) => error)
  })
  return arrived as Error
}

test('F1 an error of a built-in class arrives as such, with its cause', async () => {
  const error = await arrives('typed')
  expect(error).toBeInstanceOf(TypeError)
  expect(error.constructor).toBe(TypeError)
  expect(error.stack).toContain('failAs')
  expect(error.cause).toBeInstanceOf(RangeError)
})

test('F1 an AggregateError arrives with its errors; what cannot be copied is named', async () => {
  const error = (await arrives('several')) as AggregateError
  expect(error).toBeInstanceOf(AggregateError)
  expect(error.errors).toEqual([new TypeError('one'), 'two', 'Symbol(three)'])
})

test('F1 of any other class the name arrives, below the nearest built-in class, with what can be copied', async () => {
  const error = await arrives('ownClass')
  expect(error).toBeInstanceOf(RangeError)
  expect([error.constructor.name, error.name, error.message]).toEqual(['OrderError', 'Order', 'lost'])
  expect(Object.fromEntries(Object.entries(error))).toEqual({ name: 'Order', order: 7, part: new TypeError('a part') })
})

test("F1 an error of core's arrives as such", async () => {
  const error = await arrives('ours')
  expect(error).toBeInstanceOf(TaskTimeoutError)
  expect(error.constructor).toBe(TaskTimeoutError)
  expect(error).toMatchObject({ message: 'late', code: 'ERR_TASK_TIMEOUT' })
})

test('F1 a DOMException arrives as such', async () => {
  const error = await arrives('exception')
  expect(error).toBeInstanceOf(DOMException)
  expect(error).toMatchObject({ name: 'AbortError', code: 20, message: 'gone' })
})

test('F1 a cycle of causes arrives as one', async () => {
  const error = await arrives('circular')
  expect((error.cause as Error).message).toBe('back')
  expect((error.cause as Error).cause).toBe(error)
})

test('F1 a property that cannot be read does not cost the rest of the error', async () => {
  const error = await arrives('unreadable')
  expect([error.message, Object.keys(error)]).toEqual(['read me', []])
})

test('F4 a result with a getter that throws is named by its path', async () => {
  await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.createPool({ workers: 1 }))
    await expect(runner.run(giveUnreadable())).rejects.toMatchObject({
      name: 'TaskSerializationError',
      path: 'result.list[0].unreadable',
    })
  })
})

test('a function that CommonJS hides from Node is found', async () => {
  // A thread loads modules by Node itself.
  const thread = new Worker(new URL('./fixtures/call-hidden-export.ts', import.meta.url))
  expect(await once(thread, 'message')).toEqual([['found', 'found']])
})
