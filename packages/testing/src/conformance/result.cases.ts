import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { assert, assertEqual, assertError, rejection } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'

const value = {
  text: 'ä',
  list: [1, null, true],
  nested: { deep: [{ n: -0.5 }] },
  numbers: [-0, Number.NaN, Number.NEGATIVE_INFINITY],
  nothing: undefined,
  map: new Map([['key', new Set([1])]]),
  date: new Date(0),
  bytes: new Uint8Array([1, 2]),
}

const assertSameError = (error: unknown, message: string): void => {
  assertError(error, 'RangeError', 'the error of a task')
  const { cause, detail, stack } = error as Error & { detail?: unknown }
  assertEqual((error as Error).message, message, 'its message')
  assertEqual((cause as Error | undefined)?.message, 'the cause', 'its cause')
  assertEqual(detail, { shelf: 7 }, 'its own properties')
  assert(stack?.includes('fail'), 'its stack must show the function that failed')
}

/** A result, an error and progress arrive as they were, and once. */
export const resultCases: readonly ConformanceCase[] = [
  {
    title: 'F1 run gives the value, at once or later',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      assertEqual(await runner.run(subject.tasks.echo(value)), value, 'the result of a synchronous task')
      assertEqual(await runner.run(subject.tasks.echoLater(value)), value, 'the result of an asynchronous task')
      assertEqual(await runner.run(subject.tasks.echo(undefined)), undefined, 'undefined as a result')
    },
  },
  {
    title: 'F1 an error arrives with class name, message, stack, cause and own properties',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      assertSameError(await rejection(runner.run(subject.tasks.fail('at once')), 'a task that throws'), 'at once')
      assertSameError(await rejection(runner.run(subject.tasks.failLater('later')), 'a task that rejects'), 'later')
      assertEqual(await runner.run(subject.tasks.echo(1)), 1, 'the task after a failure')
    },
  },
  {
    title:
      'F1 an error of any class arrives below its nearest built-in class, with its errors, and cycles of causes as they were',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const several = await rejection(runner.run(subject.tasks.failSeveral()), 'a task that throws a subclass of AggregateError')
      assert(several instanceof AggregateError, 'it must be an AggregateError')
      assertEqual(several.constructor.name, 'SeveralError', 'the name of its class')
      assert(several.cause === several, 'it must be its own cause')
      const [first, second] = several.errors as unknown[]
      assert(first instanceof TypeError, 'its first error must be a TypeError')
      assertEqual([several.errors.length, first.message, second], [2, 'one', 'two'], 'its errors')
      const exception = await rejection(runner.run(subject.tasks.failWithException()), 'a task that throws a DOMException')
      assert(exception instanceof DOMException, 'it must be a DOMException')
      assertEqual([exception.name, exception.code, exception.message], ['AbortError', 20, 'gone'], 'what it tells')
    },
  },
  {
    title: 'F1 something thrown that is no error arrives as it is',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      assertEqual(
        await rejection(runner.run(subject.tasks.throwValue('a string')), 'a thrown string'),
        'a string',
        'a thrown string',
      )
      assertEqual(await rejection(runner.run(subject.tasks.throwValue({ a: 1 })), 'a thrown object'), { a: 1 }, 'a thrown object')
    },
  },
  {
    title: 'F1 the arguments of a task are as they were at the post, and never changed for the poster',
    requires: ['a copying boundary'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const argument = { list: [1] }
      const result = (await runner.run(subject.tasks.echo(argument))) as { list: number[] }
      result.list.push(2)
      assertEqual(argument, { list: [1] }, "the poster's own argument")
    },
  },
  {
    title: 'F5 no task runs twice, and none is forgotten',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new ParallelTaskRunner(subject.pool(), { maxConcurrency: 4 })
      const log = subject.shared(402)
      const results = await Promise.all(
        Array.from({ length: 400 }, (_, index) => runner.run(subject.tasks.append(log, index)).then(() => index)),
      )
      assertEqual(results.length, 400, 'outcomes')
      assertEqual(log[0], 400, 'runs')
      assertEqual(new Set(log.subarray(1, 401)).size, 400, 'different tasks that ran')
    },
  },
  {
    title: 'F1 what is transferred arrives, and is gone for the poster',
    requires: ['transfer', 'bound tasks'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const bytes = new Uint8Array(1024)
      assertEqual(await runner.run(subject.tasks.byteLength(bytes), { transfer: [bytes.buffer] }), 1024, 'what arrived')
      assertEqual(bytes.byteLength, 0, 'what the poster has left')
    },
  },
  {
    title: 'progress arrives in order and before the outcome',
    requires: ['bound tasks'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const seen: unknown[] = []
      const outcome = await runner.run(subject.contextTasks.report(5), { onProgress: (step) => void seen.push(step) })
      assertEqual([...seen, outcome], [1, 2, 3, 4, 5, 'reported'], 'progress and outcome')
    },
  },
]
