import { type Settled, TaskSerializationError } from '@posttask/core'
import type { LaneExecutor, LaneOptions } from '@posttask/core/worker'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { bind, TestExecution } from './test-execution.ts'

type Options = LaneOptions & { readonly resourceLimits?: { readonly stackSizeMb: number } }

const module = new URL('./fixtures/hostile.js', import.meta.url).href

const hostile = (name: string, ...args: unknown[]): ReturnType<typeof bind> => ({ module, export: name, args })

const nest = (levels: number, bottom: unknown): unknown => {
  let value = bottom
  for (let level = 0; level < levels; level++) value = { value }
  return value
}

const refuse = (): never => {
  throw new Error('trap')
}

const detached = (): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(8)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

const moved = detached()

const rejection = (promise: unknown): Promise<unknown> =>
  (promise as Promise<unknown>).then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: unknown) => error,
  )

/** What cannot cross, whatever it is, costs its own task and no other (F4). */
export const describeSerialization = (name: string, makeExecutor: (options: Options) => LaneExecutor): void => {
  vi.setConfig({ testTimeout: 60_000 })

  const shared = makeExecutor({ maxThreads: 1 })
  const open: LaneExecutor[] = []
  const make = (options: Options): LaneExecutor => {
    const executor = makeExecutor({ maxThreads: 1, ...options })
    open.push(executor)
    return executor
  }
  const run = (
    task: ReturnType<typeof bind>,
    options?: ConstructorParameters<typeof TestExecution>[1],
    executor: LaneExecutor = shared,
  ) => executor.execute(task, new TestExecution(task.export, options))
  /** Without the times, which are others each time. */
  const batch = async (executor: LaneExecutor, tasks: readonly ReturnType<typeof bind>[]): Promise<readonly Settled[]> => {
    const executions = tasks.map((task) => new TestExecution(task.export))
    const outcomes = (await executor.executeBatch?.(tasks, executions)) as readonly Settled[]
    return outcomes.map((outcome) => ('runMs' in outcome ? { ...outcome, runMs: undefined } : outcome))
  }
  const expectUnharmed = async (): Promise<void> => {
    expect(await run(bind('add', 1, 2))).toBe(3)
    expect(shared.stats()).toMatchObject({ busy: 0, respawns: 0 })
  }

  afterAll(() => shared.terminate())

  afterEach(async () => {
    await Promise.all(open.splice(0).map((executor) => executor.terminate()))
  })

  describe(`${name}: arguments that cannot cross`, () => {
    const getter = Object.defineProperty({}, 'bad', { get: refuse, enumerable: true })
    const cases: [string, unknown, string][] = [
      ['a getter that throws', getter, 'args[0].bad'],
      ['a proxy whose traps throw', new Proxy({}, { ownKeys: refuse, get: refuse, getPrototypeOf: refuse }), 'args[0]'],
      ['data nested 20,000 levels deep', nest(20_000, 1), 'args'],
      ['a view of a buffer that was moved before', moved, 'args[0]'],
    ]

    test.each(cases)('F4 %s rejects the task and frees its slot', async (_, arg, path) => {
      const error = await rejection(run(bind('echo', arg)))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path })
      await expectUnharmed()
    })

    test.each(cases)('F4 %s rejects no other task of its batch', async (_, arg, path) => {
      const outcomes = await batch(shared, [bind('echo', [1]), bind('echo', arg), bind('echo', [3])])
      expect(outcomes).toEqual([
        { status: 'fulfilled', value: [1] },
        { status: 'rejected', reason: expect.objectContaining({ code: 'ERR_TASK_SERIALIZATION', path }) },
        { status: 'fulfilled', value: [3] },
      ])
      await expectUnharmed()
    })

    test('F4 what is not the same each time it is read has a message of its own', async () => {
      const box = {}
      let reads = 0
      const arg = {
        box,
        get late() {
          reads++
          return reads < 3 ? refuse() : box
        },
      }
      const outcomes = await batch(shared, [hostile('touchBox', arg), hostile('touchBox', { box }), bind('echo', box)])
      expect(outcomes).toEqual([
        { status: 'fulfilled', value: 1 },
        { status: 'fulfilled', value: 1 },
        { status: 'fulfilled', value: {} },
      ])
    })

    test('F4 a first task that cannot be sent does not hide that the second is slow', async () => {
      const gate = new Int32Array(new SharedArrayBuffer(4))
      const tasks = [bind('echo', refuse), bind('spinWhile', gate, 0)]
      const executions = tasks.map((task) => new TestExecution(task.export))
      let outcomes: PromiseLike<readonly Settled[]> | undefined
      const known = await new Promise<readonly (Settled | undefined)[]>((resolve) => {
        outcomes = shared.executeBatch?.(tasks, executions, resolve)
      })
      expect(known.map((outcome) => outcome?.status)).toEqual(['rejected', undefined])
      Atomics.store(gate, 0, 1)
      expect((await outcomes)?.[1]).toMatchObject({ status: 'fulfilled', value: 1 })
      await expectUnharmed()
    })

    test.each<[string, readonly object[]]>([
      ['no array', new ArrayBuffer(8) as never],
      ['a buffer that was moved before', [moved.buffer]],
    ])('F4 `transfer` of %s rejects the task and frees its slot', async (_, transfer) => {
      for (const arg of [1, moved, moved.buffer]) {
        expect(await rejection(run(bind('echo', arg), { transfer }))).toBeInstanceOf(TaskSerializationError)
      }
      await expectUnharmed()
    })

    test('F4 the path and the message are short, however deep and long', async () => {
      const error = (await rejection(run(bind('echo', nest(20_000, refuse))))) as TaskSerializationError
      expect(error.path).toMatch(/^args\[0\]\.value\.value.*…$/)
      expect(error.message.length).toBeLessThan(1000)
      const named = (await rejection(run(bind('echo', { ['x'.repeat(10_000)]: refuse })))) as TaskSerializationError
      expect(named.message.length).toBeLessThan(1000)
    })

    test('F4 an argument that the thread cannot read rejects its task, and the next one runs', async () => {
      const executor = make({ resourceLimits: { stackSizeMb: 0.3 } })
      expect(await run(bind('add', 1, 2), undefined, executor)).toBe(3)
      // Not known to this thread before, and not after a message that it could not read.
      const task = hostile('returnNested', nest(600, 1))
      for (let round = 0; round < 2; round++) {
        expect(await rejection(run(task, undefined, executor))).toMatchObject({ code: 'ERR_TASK_SERIALIZATION', path: 'args' })
      }
      expect(await run(hostile('returnNested', 0), undefined, executor)).toEqual({ bottom: true })
      const outcomes = await batch(executor, [
        bind('add', 1, 1),
        bind('echo', nest(600, 1)),
        bind('add', 2, 2),
        bind('echo', nest(600, 2)),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
      expect(await run(bind('add', 1, 2), undefined, executor)).toBe(3)
      expect(executor.stats().respawns).toBe(0)
    })
  })

  describe(`${name}: outcomes that cannot cross`, () => {
    test.each([
      ['returnGetter', 'result.bad'],
      ['returnGetterLater', 'result.bad'],
      ['throwGetter', 'error.bad'],
      ['throwRevoked', 'error'],
      ['returnMovedBefore', 'result'],
      ['moveMovedBefore', 'transfer'],
    ])('F4 %s rejects and the thread goes on', async (task, path) => {
      const error = await rejection(run(hostile(task)))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path })
      await expectUnharmed()
    })

    test.each(['returnNested', 'throwNested'])('F4 %s: what main cannot read rejects, at every depth', async (task) => {
      for (const levels of [3000, 5000, 20_000]) {
        const error = await rejection(run(hostile(task, levels)))
        expect(error).toBeInstanceOf(TaskSerializationError)
        await expectUnharmed()
      }
    })

    test('F4 in a batch only the task whose result main cannot read rejects', async () => {
      const tasks = [bind('add', 1, 1), hostile('returnNested', 4000), bind('echo', [3]), hostile('returnNested', 4000)]
      const outcomes = await batch(shared, tasks)
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
      await expectUnharmed()
    })

    test('F4 progress that main cannot read is told, and the task goes on', async () => {
      const strays: unknown[] = []
      shared.onStrayError = (error) => strays.push(error)
      const executions = [0, 1].map(() => new TestExecution('reportNested', { onProgress: () => {} }))
      const tasks = executions.map(() => hostile('reportNested', 4000))
      const outcomes = await shared.executeBatch?.(tasks, executions)
      shared.onStrayError = undefined
      expect(outcomes).toMatchObject(Array(2).fill({ status: 'fulfilled', value: 'reported' }))
      expect(executions.map(({ seen }) => seen)).toEqual(Array(2).fill([1, 3]))
      expect(strays).toEqual(Array(2).fill(expect.objectContaining({ code: 'ERR_TASK_SERIALIZATION', path: 'progress' })))
    })

    test('F1 an error arrives without what is nested too deep', async () => {
      for (const levels of [3000, 20_000]) {
        const error = await rejection(run(hostile('throwWithNested', levels)))
        expect(error).toBeInstanceOf(RangeError)
        expect(error).toMatchObject({ message: 'with much', code: 7 })
        expect(Object.keys(error as object)).toEqual(['code'])
      }
      await expectUnharmed()
    })

    test('F1 an error whose traps throw arrives with what can be read', async () => {
      expect(await rejection(run(hostile('throwProxy')))).toMatchObject({ message: 'behind' })
      await expectUnharmed()
    })

    test('F6 `transfer` in a task wants an array', async () => {
      expect(await rejection(run(hostile('moveNoList')))).toBeInstanceOf(TypeError)
    })

    test('F1 causes without end arrive as far as can be', async () => {
      let error = (await rejection(run(hostile('throwEndless')))) as Error
      let causes = 0
      for (; error.cause !== undefined; error = error.cause as Error) causes++
      expect(causes).toBeGreaterThan(1000)
    })
  })

  describe(`${name}: own properties of errors`, () => {
    test('F1 `errors` that is no array survives', async () => {
      expect(await rejection(run(hostile('throwValidation')))).toMatchObject({ errors: { name: 'required' } })
    })

    test('F1 own properties of a DOMException survive', async () => {
      const error = await rejection(run(hostile('throwDomWithMore')))
      expect(error).toBeInstanceOf(DOMException)
      expect(error).toMatchObject({ name: 'AbortError', retries: 3 })
    })

    test('F1 an object on an error that cannot be cloned keeps what can cross', async () => {
      const error = (await rejection(run(hostile('throwHolderOfItself')))) as Error & { holder: Record<string, unknown> }
      expect(error.cause).toBe(error)
      expect(Object.keys(error.holder)).toEqual(['error', 'list', 'holder'])
      expect(error.holder['error']).toBe(error)
      expect(error.holder['list']).toEqual([error, 1])
      expect(error.holder['holder']).toBe(error.holder)
    })
  })

  test(`${name}: C3 a reason that cannot be cloned cancels all the same`, async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const execution = new TestExecution('spinUntilThrown')
    const outcome = shared.execute(bind('spinUntilThrown', flag), execution)
    while (Atomics.load(flag, 0) === 0) await new Promise(setImmediate)
    execution.cancel(Object.defineProperty({}, 'bad', { get: refuse, enumerable: true }))
    shared.abort(execution)
    await rejection(outcome)
    await expectUnharmed()
  })
}
