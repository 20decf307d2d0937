import {
  ModuleLoadError,
  PoolClosedError,
  PostTaskError,
  QueueFullError,
  RunnerClosedError,
  SequenceDeadlockError,
  TaskCancelledError,
  TaskSerializationError,
  TaskTimeoutError,
  ThreadPoolNotInitializedError,
  WorkerCrashedError,
} from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'

type ErrorClass = new (message: string) => PostTaskError

const classes: readonly (readonly [name: string, errorClass: ErrorClass, code: string])[] = [
  ['RunnerClosedError', RunnerClosedError, 'ERR_RUNNER_CLOSED'],
  ['TaskCancelledError', TaskCancelledError, 'ERR_TASK_CANCELLED'],
  ['TaskTimeoutError', TaskTimeoutError, 'ERR_TASK_TIMEOUT'],
  ['QueueFullError', QueueFullError, 'ERR_QUEUE_FULL'],
  ['SequenceDeadlockError', SequenceDeadlockError, 'ERR_SEQUENCE_DEADLOCK'],
  ['TaskSerializationError', TaskSerializationError as unknown as ErrorClass, 'ERR_TASK_SERIALIZATION'],
  ['WorkerCrashedError', WorkerCrashedError, 'ERR_WORKER_CRASHED'],
  ['ModuleLoadError', ModuleLoadError as unknown as ErrorClass, 'ERR_MODULE_LOAD'],
  ['ThreadPoolNotInitializedError', ThreadPoolNotInitializedError, 'ERR_THREAD_POOL_NOT_INITIALIZED'],
  ['PoolClosedError', PoolClosedError, 'ERR_POOL_CLOSED'],
]

describe.each(classes)('%s', (name, Class, code) => {
  test('F1 is a PostTaskError with a stable code, a name, a message and a stack', () => {
    const error = new Class('what happened')
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(PostTaskError)
    expect([error.code, error.name, error.message]).toEqual([code, name, 'what happened'])
    expect(error.stack).toContain('errors.test.ts')
    expect(Object.keys(error)).toContain('code')
    expect(String(error)).toBe(`${name}: what happened`)
  })

  test('F1 is an instance of its own class and of no other', () => {
    const error = new Class('x')
    expect(classes.filter(([, Other]) => error instanceof Other).map(([other]) => other)).toEqual([name])
  })
})

describe('recognising errors', () => {
  test('F1 nothing else is an instance', () => {
    for (const value of [
      undefined,
      null,
      5,
      'text',
      {},
      new Error('x'),
      { code: 'ERR_RUNNER_CLOSED' },
      Object.assign(new Error('x'), { code: 'ERR_RUNNER_CLOSED' }),
    ]) {
      expect(value instanceof PostTaskError, JSON.stringify(value)).toBe(false)
      expect(value instanceof RunnerClosedError, JSON.stringify(value)).toBe(false)
    }
  })

  test('F1 an error of another copy of this package is recognised', async () => {
    vi.resetModules()
    const other = await import('@posttask/core')
    expect(other.RunnerClosedError).not.toBe(RunnerClosedError)
    const error = new other.RunnerClosedError('from the other copy')
    expect(error).toBeInstanceOf(RunnerClosedError)
    expect(error).toBeInstanceOf(PostTaskError)
    expect(error).not.toBeInstanceOf(QueueFullError)
  })

  test('F1 a class that extends one of ours goes by identity', () => {
    class MyClosed extends RunnerClosedError {}
    expect(new MyClosed('x')).toBeInstanceOf(MyClosed)
    expect(new MyClosed('x')).toBeInstanceOf(RunnerClosedError)
    expect(new RunnerClosedError('x')).not.toBeInstanceOf(MyClosed)
  })

  test('F1 cause and typed fields', () => {
    const cause = new Error('inner')
    expect(new RunnerClosedError('x', { cause }).cause).toBe(cause)
    expect(new TaskSerializationError('x', 'args[0].f').path).toBe('args[0].f')
    expect(new WorkerCrashedError('x', 7).exitCode).toBe(7)
    expect(new ModuleLoadError('x', 'file:///m.js', 'f')).toMatchObject({ module: 'file:///m.js', export: 'f' })
  })
})
