import { taskContext, transfer } from '@posttask/core/worker'
import { afterEach, describe, expect, test } from 'vitest'
import { TestExecution } from './test-execution.ts'

const hook = Symbol.for('@posttask/core/current-execution')
const global = globalThis as unknown as Record<symbol, unknown>
const engine = Object.getOwnPropertyDescriptor(globalThis, hook)

afterEach(() => {
  if (engine === undefined) delete global[hook]
  else Object.defineProperty(globalThis, hook, engine)
})

const runAs = (execution: TestExecution | undefined): void => {
  Object.defineProperty(globalThis, hook, { value: () => execution, configurable: true })
}

describe('taskContext on the event loop that posted the task', () => {
  test('F1 it tells of the current task', () => {
    const execution = new TestExecution('inline', { onProgress: () => {} })
    runAs(execution)
    const context = taskContext()
    context.progress(1)
    expect(context).toMatchObject({ name: 'inline', id: execution.id, threadId: 0 })
    expect(execution.seen).toEqual([1])
    expect(context.signal).toBe(execution.signal)
  })

  test('C2 throwIfAborted throws the reason once the task is cancelled', () => {
    const execution = new TestExecution('inline')
    runAs(execution)
    const context = taskContext()
    context.throwIfAborted()
    execution.cancel(new RangeError('enough'))
    expect(() => context.throwIfAborted()).toThrow(RangeError)
  })

  test('F1 outside of a task it throws and says what to do', () => {
    runAs(undefined)
    expect(() => taskContext()).toThrow(/outside of a task/)
  })

  test('F1 transfer gives the value back, where nothing is moved', () => {
    runAs(undefined)
    const bytes = new Uint8Array(3)
    expect(transfer(bytes, [bytes.buffer])).toBe(bytes)
    expect(bytes.length).toBe(3)
  })
})
