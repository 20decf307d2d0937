import * as core from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'

const codes = {
  RunnerClosedError: 'ERR_RUNNER_CLOSED',
  TaskCancelledError: 'ERR_TASK_CANCELLED',
  TaskTimeoutError: 'ERR_TASK_TIMEOUT',
  QueueFullError: 'ERR_QUEUE_FULL',
  SequenceDeadlockError: 'ERR_SEQUENCE_DEADLOCK',
  TaskSerializationError: 'ERR_TASK_SERIALIZATION',
  WorkerCrashedError: 'ERR_WORKER_CRASHED',
  ModuleLoadError: 'ERR_MODULE_LOAD',
  ThreadPoolNotInitializedError: 'ERR_THREAD_POOL_NOT_INITIALIZED',
  PoolClosedError: 'ERR_POOL_CLOSED',
} as const

type ErrorClass = new (message: string) => core.PostTaskError
const classes = Object.keys(codes) as (keyof typeof codes)[]

describe.each(classes)('%s', (name) => {
  const Class = core[name] as unknown as ErrorClass

  test('F1 is a PostTaskError with a stable code, a name, a message and a stack', () => {
    const error = new Class('what happened')
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(core.PostTaskError)
    expect([error.code, error.name, error.message]).toEqual([codes[name], name, 'what happened'])
    expect(error.stack).toContain('errors.test.ts')
    expect(Object.keys(error)).toContain('code')
    expect(String(error)).toBe(`${name}: what happened`)
  })

  test('F1 is an instance of its own class and of no other', () => {
    const error = new Class('x')
    expect(classes.filter((other) => error instanceof (core[other] as unknown as ErrorClass))).toEqual([name])
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
      expect(value instanceof core.PostTaskError, String(value)).toBe(false)
      expect(value instanceof core.RunnerClosedError, String(value)).toBe(false)
    }
  })

  test('F1 an error of another copy of this package is recognised', async () => {
    vi.resetModules()
    const other = await import('@posttask/core')
    expect(other.RunnerClosedError).not.toBe(core.RunnerClosedError)
    const error = new other.RunnerClosedError('from the other copy')
    expect(error).toBeInstanceOf(core.RunnerClosedError)
    expect(error).toBeInstanceOf(core.PostTaskError)
    expect(error).not.toBeInstanceOf(core.QueueFullError)
  })

  test('F1 a class that extends one of ours goes by identity', () => {
    class MyClosed extends core.RunnerClosedError {}
    expect(new MyClosed('x')).toBeInstanceOf(MyClosed)
    expect(new MyClosed('x')).toBeInstanceOf(core.RunnerClosedError)
    expect(new core.RunnerClosedError('x')).not.toBeInstanceOf(MyClosed)
  })

  test('F1 cause and typed fields', () => {
    const cause = new Error('inner')
    expect(new core.RunnerClosedError('x', { cause }).cause).toBe(cause)
    expect(new core.TaskSerializationError('x', 'args[0].f').path).toBe('args[0].f')
    expect(new core.WorkerCrashedError('x', 7).exitCode).toBe(7)
    expect(new core.ModuleLoadError('x', 'file:///m.js', 'f')).toMatchObject({ module: 'file:///m.js', export: 'f' })
  })
})
