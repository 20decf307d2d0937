import { inlineExecutor } from '@posttask/backend-inline'
import { isStub, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test } from 'vitest'

const url = new URL('./fixtures/arithmetic.ts', import.meta.url)
const arithmetic = taskModule<typeof import('./fixtures/arithmetic.ts')>(url)

describe('taskModule', () => {
  test('F6 a stub binds arguments and runs nothing: a bound task is plain data', () => {
    const task = arithmetic.add(2, 3)
    expect(task).toEqual({ module: url.href, export: 'add', args: [2, 3] })
    expect(structuredClone(task)).toEqual(task)
    expect(JSON.parse(JSON.stringify(task))).toEqual(task)
  })

  test('F6 stubs are the same each time, have names, and are told from other functions', () => {
    expect(arithmetic.add).toBe(arithmetic.add)
    expect((arithmetic.add as unknown as { name: string }).name).toBe('add')
    expect(isStub(arithmetic.add)).toBe(true)
    expect(isStub(() => {})).toBe(false)
    expect(isStub(undefined)).toBe(false)
  })

  test('F6 the module object is no promise: it may be returned from an async function', async () => {
    const load = async () => arithmetic
    expect(await load()).toBe(arithmetic)
    expect((arithmetic as unknown as Record<symbol, unknown>)[Symbol.iterator]).toBeUndefined()
  })

  test('F6 a URL as text is fine, what is none is a TypeError at the call', () => {
    expect(taskModule<typeof import('./fixtures/arithmetic.ts')>(url.href).add(1, 2).module).toBe(url.href)
    expect(() => taskModule('./arithmetic.ts')).toThrow(/absolute URL, such as new URL.*not \.\/arithmetic\.ts/)
  })

  test('F1 the default export runs too', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    expect(await runner.run(arithmetic.default(4, 5))).toBe(20)
  })

  test('F6 a bound task that crossed as JSON runs', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const task = JSON.parse(JSON.stringify(arithmetic.add(2, 3))) as ReturnType<typeof arithmetic.add>
    expect(await runner.run(task)).toBe(5)
  })
})
