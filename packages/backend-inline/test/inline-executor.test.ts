import { inlineExecutor } from '@posttask/backend-inline'
import { ModuleLoadError, ParallelTaskRunner, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test } from 'vitest'

interface Tasks {
  same<T>(value: T): T
  fail(): never
  default(a: number, b: number): number
  missing(): void
  notCallable(): void
}

const tasks = taskModule<Tasks>(new URL('./fixtures/tasks.js', import.meta.url))

describe('bound tasks', () => {
  test('F1 they run here: arguments and results are the very values', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const value = { callback: () => 1 }
    expect(await runner.run(tasks.same(value))).toBe(value)
    expect(await runner.run(tasks.default(2, 3))).toBe(5)
  })

  test('F1 what they throw arrives as it is, the first time and later', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    for (let round = 0; round < 2; round++) await expect(runner.run(tasks.fail())).rejects.toThrow(new RangeError('expected'))
  })

  test('F1 a module that cannot be loaded, a missing export and one that is no function are told apart', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const throwing = taskModule<Tasks>(new URL('./fixtures/throwing.js', import.meta.url))
    for (const [task, text] of [
      [throwing.same(1), 'a module that cannot be loaded'],
      [tasks.missing(), 'no export "missing"'],
      [tasks.notCallable(), 'not a function'],
    ] as const) {
      const error = await runner.run(task).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(ModuleLoadError)
      expect((error as Error).message).toContain(text)
    }
  })

  test('C1 one that is cancelled while its module loads is never called', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const fresh = taskModule<Tasks>(new URL('./fixtures/tasks.js?fresh', import.meta.url))
    const controller = new AbortController()
    const outcome = runner.run(fresh.fail(), { signal: controller.signal })
    // The pump starts it in the next microtask; loading a module takes longer.
    await Promise.resolve()
    controller.abort('not wanted')
    await expect(outcome).rejects.toBe('not wanted')
  })
})

describe('slots', () => {
  test('P1 never more tasks at a time than maxConcurrency', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 2 }) })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 10 })
    let running = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
    }
    await Promise.all(Array.from({ length: 8 }, () => runner.run(work)))
    expect(most).toBe(2)
  })

  test('D2 a maxConcurrency that is none throws at the call', () => {
    for (const maxConcurrency of [0, -1, 1.5, Number.NaN]) expect(() => inlineExecutor({ maxConcurrency })).toThrow(RangeError)
  })
})
