import { spawnSync } from 'node:child_process'
import {
  ModuleLoadError,
  PoolClosedError,
  type Settled,
  TaskSerializationError,
  TaskTimeoutError,
  WorkerCrashedError,
} from '@posttask/core'
import type { LaneExecutor, LaneOptions } from '@posttask/core/worker'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { bind, TestExecution } from './test-execution.ts'

type Options = LaneOptions & {
  readonly env?: Record<string, string>
  readonly workerData?: unknown
  readonly execArgv?: string[]
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb: number }
  readonly pool?: undefined
}

type MakeExecutor = (options?: Options) => LaneExecutor

const cell = (length = 1): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length))

const fixtureModule = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).href

/** More than a heap of 24 MB holds. */
const tooMuch = (): unknown => Array.from({ length: 500_000 }, (_, index) => ({ index }))

/** Resolves when another thread has put something there. */
const changed = async (flag: Int32Array, index = 0): Promise<void> => {
  while (Atomics.load(flag, index) === 0) await new Promise(setImmediate)
}

const rejection = (promise: unknown): Promise<unknown> =>
  (promise as Promise<unknown>).then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: unknown) => error,
  )

/** What every executor on threads has to do, without a pool. `packagePath` is the source entry of the backend. */
export const describeThreadExecutor = (name: string, makeExecutor: MakeExecutor, packagePath: string, factory: string): void => {
  // Threads start slowly on a machine that is busy.
  vi.setConfig({ testTimeout: 60_000 })

  const open: LaneExecutor[] = []
  const make: MakeExecutor = (options) => {
    const executor = makeExecutor({ maxThreads: 1, ...options })
    open.push(executor)
    return executor
  }
  /** Runs a task in a process of its own, then `after`. */
  const inProcess = (task: ReturnType<typeof bind>, after: string) => {
    const script = `
      import { ${factory} } from ${JSON.stringify(packagePath)}
      const executor = ${factory}({ maxThreads: 1 })
      const stay = setInterval(() => {}, 1000)
      const execution = { id: 1, name: 'task', transfer: undefined, wantsProgress: false, aborted: false }
      await executor.execute(${JSON.stringify(task)}, execution)
      ${after}
    `
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...process.execArgv, '--input-type=module', '--eval', script],
      {
        encoding: 'utf8',
        timeout: 30_000,
      },
    )
    return { stdout, stderr, status }
  }
  const run = (executor: LaneExecutor, task: ReturnType<typeof bind>, options?: ConstructorParameters<typeof TestExecution>[1]) =>
    executor.execute(task, new TestExecution(task.export, options))
  const measuredBatch = (
    executor: LaneExecutor,
    tasks: readonly ReturnType<typeof bind>[],
    executions: readonly TestExecution[] = tasks.map((task) => new TestExecution(task.export)),
  ) => executor.executeBatch?.(tasks, executions) as Promise<readonly (Settled & { runMs?: number })[]>
  const batch = async (...of: Parameters<typeof measuredBatch>): Promise<readonly Settled[]> =>
    // oxlint-disable-next-line eslint/no-unused-vars -- left out of the outcome
    (await measuredBatch(...of)).map(({ runMs: _, ...outcome }) => outcome)

  // Starting a thread is slow; what needs no thread of its own shares this one.
  let common: LaneExecutor | undefined
  const shared = (): LaneExecutor => {
    common ??= makeExecutor({ maxThreads: 1 })
    return common
  }

  afterAll(() => common?.terminate())

  afterEach(async () => {
    await Promise.all(open.splice(0).map((executor) => executor.terminate()))
  })

  describe(`${name}: results`, () => {
    test('F1 a function of a module runs on another thread and its result comes back', async () => {
      const executor = shared()
      expect(await run(executor, bind('add', 1, 2))).toBe(3)
      expect(await run(executor, bind('addLater', 1, 2))).toBe(3)
      expect(await run(executor, bind('thread'))).toBeGreaterThan(0)
    })

    test.each([
      [undefined],
      [null],
      [true],
      [false],
      [-0],
      [Number.NaN],
      [2 ** 60],
      [10n ** 30n],
      ['text'],
      [new Date(0)],
      [new Map([['a', [1]]])],
    ])('F1 the result %s is what the function returned', async (value) => {
      expect(await run(shared(), bind('echo', value))).toStrictEqual(value)
    })

    test('F1 many arguments arrive in order', async () => {
      expect(await run(shared(), bind('echoAll', 1, undefined, 'c', { d: 4 }))).toEqual([1, undefined, 'c', { d: 4 }])
    })

    test('F1 what the options say of the thread holds there', async () => {
      const executor = make({ workerData: { answer: 42 }, env: { GREETING: 'hello' } })
      expect(await run(executor, bind('readWorkerData'))).toEqual({ answer: 42 })
      expect(await run(executor, bind('readEnv', 'GREETING'))).toBe('hello')
    })

    test('F1 the buffers in `transfer` are moved, to the thread and back', async () => {
      const executor = shared()
      const bytes = new Uint8Array([1, 2, 3])
      const echoed = await run(executor, bind('echo', bytes), { transfer: [bytes.buffer] })
      expect(echoed).toEqual(new Uint8Array([1, 2, 3]))
      expect(bytes.length).toBe(0)
      expect(await run(executor, bind('keepBytes', 5))).toEqual(new Uint8Array(5))
      expect(await run(executor, bind('keptLength'))).toBe(0)
    })

    test('F1 memory that is shared stays shared', async () => {
      const flags = cell()
      await run(shared(), bind('mark', flags, 0))
      expect(flags[0]).toBe(1)
    })

    test('F1 a task is told its name, its id and its thread', async () => {
      const execution = new TestExecution('my name')
      const about = await shared().execute(bind('aboutMe'), execution)
      expect(about).toEqual({ name: 'my name', id: execution.id, threadId: expect.any(Number), isSame: true })
      // And so is whoever watches it from here.
      expect(execution.thread).toBe((about as { threadId: number }).threadId)
    })

    test('F1 what a task prints is out before its outcome', () => {
      // More than any stream or pipe on the way holds.
      const { stdout } = inProcess(bind('print', 50_000), 'process.exit(0)')
      expect(stdout.trim().split('\n')).toHaveLength(50_000)
    })
  })

  describe(`${name}: progress`, () => {
    test.each(['report', 'reportLater'])('F1 progress of %s arrives in order and before the outcome', async (task) => {
      const executor = shared()
      for (let round = 0; round < 50; round++) {
        const execution = new TestExecution(task, { onProgress: () => {} })
        await executor.execute(bind(task, 20), execution)
        expect(execution.seen).toEqual(Array.from({ length: 20 }, (_, index) => index))
      }
    })

    test('F1 progress that nobody listens to does not cross', async () => {
      const execution = new TestExecution('report')
      expect(await shared().execute(bind('report', 3), execution)).toBe(3)
      expect(execution.seen).toEqual([])
    })

    test('F1 each task of a batch reports to its own poster', async () => {
      const executions = [2, 3].map(() => new TestExecution('report', { onProgress: () => {} }))
      await batch(shared(), [bind('report', 2), bind('report', 3)], executions)
      expect(executions.map(({ seen }) => seen)).toEqual([
        [0, 1],
        [0, 1, 2],
      ])
    })

    test('F4 progress that cannot cross throws where it was reported', async () => {
      const error = await rejection(run(shared(), bind('reportFunction'), { onProgress: () => {} }))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path: 'progress.callback' })
    })
  })

  describe(`${name}: modules`, () => {
    const load = (file: string, exportName: string) =>
      run(shared(), { module: fixtureModule(file), export: exportName, args: ['x'] })

    test.each([
      ['tasks.js', 'default', 'default x'],
      ['top-level-await.js', 'run', 'awaited'],
      ['common.cjs', 'named', 'common named'],
      ['common.cjs', 'computed', 'common computed'],
      ['common-default.cjs', 'default', 'common default'],
      ['common-function.cjs', 'default', 'common function'],
    ])('F1 %s: export "%s" is found', async (file, exportName, result) => {
      expect(await load(file, exportName)).toBe(result)
    })

    test.each([
      ['missing.js', 'run', /could not be loaded/],
      ['throwing.js', 'run', /thrown while loading/],
      ['tasks.js', 'missing', /no export "missing"; it exports .*\badd\b/],
      ['tasks.js', 'notAFunction', /of type number, not a function/],
      ['common-default.cjs', 'text', /of type string, not a function/],
    ])('F1 %s, export "%s": a ModuleLoadError names both', async (file, exportName, message) => {
      const error = await rejection(load(file, exportName))
      expect(error).toBeInstanceOf(ModuleLoadError)
      expect(error).toMatchObject({ module: fixtureModule(file), export: exportName, message: expect.stringMatching(message) })
    })

    test('F1 a syntax error in a module is a ModuleLoadError with its cause', async () => {
      const module = 'data:text/javascript,export const run = ('
      const error = await rejection(run(shared(), { module, export: 'run', args: [] }))
      expect(error).toBeInstanceOf(ModuleLoadError)
      expect((error as Error).cause).toBeInstanceOf(SyntaxError)
    })

    test('F1 after a module that failed to load the thread goes on', async () => {
      const executor = shared()
      await rejection(run(executor, { module: fixtureModule('throwing.js'), export: 'run', args: [] }))
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
      expect(executor.stats().respawns).toBe(0)
    })
  })

  describe(`${name}: errors`, () => {
    test('F1 class, message, stack, cause and own properties of an error survive', async () => {
      const error = (await rejection(run(shared(), bind('throwHttp')))) as Error & { status: number; response: unknown }
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({ name: 'HttpError', message: 'not found', status: 404, response: { headers: ['a'] } })
      expect(error.constructor.name).toBe('HttpError')
      expect(error.stack).toContain('tasks.js')
      expect('retry' in error).toBe(false)
      expect(error.cause).toBeInstanceOf(RangeError)
      expect(error.cause).toMatchObject({ message: 'inner', cause: 'because' })
    })

    test('F1 an error of a class that sets no name keeps both class and name', async () => {
      const error = (await rejection(run(shared(), bind('throwUnnamed')))) as Error
      expect([error.constructor.name, error.name, error.message]).toEqual(['Unnamed', 'Error', 'of a class'])
    })

    test('F1 an AggregateError keeps its errors', async () => {
      const error = (await rejection(run(shared(), bind('throwAggregate')))) as AggregateError
      expect(error).toBeInstanceOf(AggregateError)
      expect(error.errors).toEqual([expect.any(TypeError), 'second'])
    })

    test('F1 causes that go round keep going round', async () => {
      const error = (await rejection(run(shared(), bind('throwCycle')))) as { cause: { cause: unknown } }
      expect(error.cause.cause).toBe(error)
    })

    test('F1 code and friends of a system error survive', async () => {
      expect(await rejection(run(shared(), bind('throwCode')))).toMatchObject({
        code: 'ENOENT',
        syscall: 'open',
        path: '/does/not/exist',
      })
    })

    test('F1 a DOMException stays one', async () => {
      const error = await rejection(run(shared(), bind('throwDom')))
      expect(error).toBeInstanceOf(DOMException)
      expect(error).toMatchObject({ name: 'AbortError', message: 'enough', code: 20 })
    })

    test('F1 an error class of this library is revived as such', async () => {
      expect(await rejection(run(shared(), bind('throwSerialization')))).toBeInstanceOf(TaskTimeoutError)
    })

    test.each([[null], [undefined], [0], ['text'], [{ code: 7 }]])('F1 `throw %s` rejects with just that', async (value) => {
      expect(await rejection(run(shared(), bind('throwValue', value)))).toEqual(value)
    })

    test('F1 a promise that rejects with null rejects with null', async () => {
      expect(await rejection(run(shared(), bind('rejectNull')))).toBe(null)
    })

    test.each([
      ['throwFunction', 'error'],
      ['throwSymbol', 'error'],
      ['throwObjectWithFunction', 'error.callback'],
    ])('F4 %s: what was thrown cannot cross, and the path says why', async (task, path) => {
      const error = await rejection(run(shared(), bind(task)))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path })
    })

    test('F1 a stack that overflows is an error like any other', async () => {
      const executor = shared()
      expect(await rejection(run(executor, bind('overflow')))).toBeInstanceOf(RangeError)
      expect(executor.stats().respawns).toBe(0)
    })
  })

  describe(`${name}: what cannot cross`, () => {
    const items = [0, 1, 2, { callback: () => {} }]

    test('F4 an argument that cannot be cloned rejects with its path, and nothing else is touched', async () => {
      const executor = make()
      await run(executor, bind('countCalls'))
      const error = await rejection(run(executor, bind('echo', { items })))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({
        path: 'args[0].items[3].callback',
        message: expect.stringContaining('args[0].items[3].callback'),
      })
      expect(await run(executor, bind('countCalls'))).toBe(2)
    })

    test.each([
      ['args[1].get("key").run', [1, new Map([['key', { run: () => {} }]])]],
      ['args[0].values()[1]', [new Set([1, () => {}])]],
      ['args[0]["not an identifier"]', [{ 'not an identifier': Symbol('s') }]],
      ['args[0].waiting', [{ waiting: Promise.resolve() }]],
    ])('F4 the path is %s', async (path, args) => {
      expect(await rejection(run(shared(), bind('echoAll', ...args)))).toMatchObject({ path })
    })

    test('F4 moving a buffer twice is an error of the transfer list', async () => {
      const { buffer } = new Uint8Array(4)
      const error = await rejection(run(shared(), bind('echo', buffer), { transfer: [buffer, buffer] }))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path: 'transfer' })
      expect(buffer.byteLength).toBe(4)
    })

    test.each([
      ['returnFunction', 'result.items[0].callback'],
      ['returnSocket', 'result.socket'],
    ])('F4 %s: the result rejects with its path and the thread goes on', async (task, path) => {
      const executor = shared()
      const error = await rejection(run(executor, bind(task)))
      expect(error).toBeInstanceOf(TaskSerializationError)
      expect(error).toMatchObject({ path })
      expect(executor.stats().respawns).toBe(0)
    })

    test('F4 in a batch only the task with the bad argument rejects', async () => {
      const outcomes = await batch(shared(), [bind('add', 1, 2), bind('echo', { items }), bind('add', 3, 4)])
      expect(outcomes).toEqual([
        { status: 'fulfilled', value: 3 },
        { status: 'rejected', reason: expect.objectContaining({ path: 'args[0].items[3].callback' }) },
        { status: 'fulfilled', value: 7 },
      ])
    })
  })

  describe(`${name}: threads that die`, () => {
    test('F5 process.exit rejects with WorkerCrashedError and its code; the slot is free with the next thread', async () => {
      const executor = make()
      const before = await run(executor, bind('thread'))
      for (const code of [0, 3]) {
        const error = await rejection(run(executor, bind('exit', code)))
        expect(error).toBeInstanceOf(WorkerCrashedError)
        expect(error).toMatchObject({ exitCode: code })
      }
      expect(await run(executor, bind('thread'))).not.toBe(before)
      expect(executor.stats()).toMatchObject({ started: 3, respawns: 2, busy: 0 })
    })

    test('F5 running out of memory rejects with WorkerCrashedError and its cause', async () => {
      const executor = make({ resourceLimits: { maxOldGenerationSizeMb: 24 } })
      const error = await rejection(run(executor, bind('eatMemory')))
      expect(error).toBeInstanceOf(WorkerCrashedError)
      expect(error).toMatchObject({ cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' } })
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
    })

    test('F5 an uncaught error of a running task ends its thread, and is the cause', async () => {
      const executor = make()
      const error = await rejection(run(executor, bind('strayThrow')))
      expect(error).toBeInstanceOf(WorkerCrashedError)
      expect((error as Error).cause).toBeInstanceOf(RangeError)
      expect((error as Error).cause).toMatchObject({ message: 'left behind' })
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
    })

    test.each(['returnThenThrow', 'returnThenReject'])(
      'F5 %s: an error left behind is an event, and hurts no later task',
      async (task) => {
        const executor = make()
        const stray = new Promise((resolve) => (executor.onStrayError = resolve))
        await run(executor, bind('countCalls'))
        expect(await run(executor, bind(task))).toBe('returned')
        // Under way while the error comes, in the very thread.
        expect(await run(executor, bind('addLater', 1, 1))).toBe(2)
        expect(await stray).toBeInstanceOf(RangeError)
        expect(await run(executor, bind('countCalls'))).toBe(2)
      },
    )

    test('F5 a thread that exits while idle is an event; the next task runs on a new one', async () => {
      const executor = make()
      const stray = new Promise((resolve) => (executor.onStrayError = resolve))
      await run(executor, bind('returnThenExit', 5))
      expect(await stray).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 5 })
      expect(await run(executor, bind('countCalls'))).toBe(1)
    })

    test('F5 a task sent to a thread that dies before it starts runs on the next thread, once', async () => {
      const executor = make()
      executor.onStrayError = () => {}
      const marks = cell()
      for (let round = 1; round <= 3; round++) {
        const gate = cell(2)
        await run(executor, bind('returnThenWait', gate))
        await changed(gate)
        const marked = run(executor, bind('mark', marks, 0))
        Atomics.store(gate, 1, 1)
        await marked
        expect(marks[0]).toBe(round)
      }
    })

    test('F5 arguments that no thread has the memory for end one thread more, and then reject', async () => {
      const executor = make({ resourceLimits: { maxOldGenerationSizeMb: 24 } })
      executor.onStrayError = () => {}
      await run(executor, bind('nothing'))
      expect(await rejection(run(executor, bind('echo', tooMuch())))).toBeInstanceOf(WorkerCrashedError)
      expect(executor.stats()).toMatchObject({ respawns: 2, busy: 0 })
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
    })

    test('F5 a task that a batch lost, and that loses another thread, rejects', async () => {
      const executor = make({ resourceLimits: { maxOldGenerationSizeMb: 24 } })
      executor.onStrayError = () => {}
      const tasks = [bind('add', 1, 1), bind('echo', tooMuch())]
      const executions = tasks.map((task) => new TestExecution(task.export))
      await run(executor, bind('nothing'))
      expect(await batch(executor, tasks, executions)).toEqual([{ status: 'lost' }, { status: 'lost' }])
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
      const again = executor.execute(tasks[1] as ReturnType<typeof bind>, executions[1] as TestExecution)
      expect(await rejection(again)).toBeInstanceOf(WorkerCrashedError)
    })

    test('F5 a crash in a batch: before it done, itself crashed, after it lost', async () => {
      const marks = cell(4)
      const tasks = [bind('mark', marks, 0), bind('echo', { a: 1 }), bind('exit', 7), bind('mark', marks, 3)]
      const [first, second, third, fourth] = await batch(make(), tasks)
      expect(first).toEqual({ status: 'fulfilled', value: undefined })
      expect(second).toEqual({ status: 'fulfilled', value: { a: 1 } })
      expect(third).toMatchObject({ status: 'rejected', reason: { code: 'ERR_WORKER_CRASHED', exitCode: 7 } })
      expect(fourth).toEqual({ status: 'lost' })
      expect([...marks]).toEqual([1, 0, 0, 0])
    })

    test('F5 a thread that cannot start rejects its task and is tried again with the next', async () => {
      const executor = make({ execArgv: ['--import', 'data:text/javascript,throw new Error("no start")'] })
      for (let round = 0; round < 2; round++) {
        expect(await rejection(run(executor, bind('nothing')))).toBeInstanceOf(WorkerCrashedError)
      }
      await expect(executor.ready()).rejects.toBeInstanceOf(WorkerCrashedError)
    })
  })

  describe(`${name}: cancelling`, () => {
    test.each(['spinUntilAborted', 'waitUntilAborted'])('C3 %s sees its signal and settles by itself', async (task) => {
      const executor = make({ abortGraceMs: Number.POSITIVE_INFINITY })
      const execution = new TestExecution(task)
      const outcome = executor.execute(bind(task), execution) as Promise<unknown>
      await executor.ready()
      execution.cancel(new RangeError('enough'))
      executor.abort(execution)
      const result = await outcome.catch((error: unknown) => error)
      expect(String(result)).toBe('RangeError: enough')
      expect(executor.stats().respawns).toBe(0)
    })

    test('C3 a loop that polls throwIfAborted ends with the reason', async () => {
      const executor = make({ abortGraceMs: Number.POSITIVE_INFINITY })
      const started = cell()
      const execution = new TestExecution('spinUntilThrown')
      const outcome = executor.execute(bind('spinUntilThrown', started), execution)
      await changed(started)
      execution.cancel('a reason')
      executor.abort(execution)
      expect(await rejection(outcome)).toBe('a reason')
    })

    test.each([0, 20])('C3 an endless loop is ended with its thread after %i ms of grace', async (abortGraceMs) => {
      const executor = make({ abortGraceMs })
      const started = cell()
      await run(executor, bind('countCalls'))
      const execution = new TestExecution('markAndSpin')
      const outcome = executor.execute(bind('markAndSpin', started), execution)
      await changed(started)
      execution.cancel('too long')
      executor.abort(execution)
      expect(await rejection(outcome)).toBe('too long')
      expect(await run(executor, bind('countCalls'))).toBe(1)
    })

    test('C3 a task that settles within the grace keeps its thread', async () => {
      const executor = make({ abortGraceMs: 60_000 })
      const execution = new TestExecution('waitUntilAborted')
      const outcome = executor.execute(bind('waitUntilAborted'), execution)
      await executor.ready()
      execution.cancel('stop')
      executor.abort(execution)
      expect(await rejection(outcome)).toBe('stop')
      expect(executor.stats().respawns).toBe(0)
    })

    test('C3 F5 a thread that dies of the abort itself is replaced once, and its grace ends nobody else', async () => {
      const executor = make({ abortGraceMs: 25 })
      const started = cell()
      const execution = new TestExecution('throwWhenAborted')
      const outcome = executor.execute(bind('throwWhenAborted', started), execution)
      await changed(started)
      execution.cancel('stop')
      executor.abort(execution)
      await rejection(outcome)
      expect(await run(executor, bind('countCalls'))).toBe(1)
      expect(await run(executor, bind('countCalls'))).toBe(2)
      expect(executor.stats().respawns).toBe(1)
    })

    test('C3 W3 a task that its thread never comes to, for what another left behind, does not hold the slot for ever', async () => {
      const executor = make({ abortGraceMs: 0 })
      const started = cell()
      expect(await run(executor, bind('returnThenSpin', started))).toBe('returned')
      await changed(started)
      const execution = new TestExecution('nothing')
      const outcome = executor.execute(bind('nothing'), execution)
      execution.cancel('too late')
      executor.abort(execution)
      expect(await rejection(outcome)).toBe('too late')
      expect(await run(executor, bind('countCalls'))).toBe(1)
      expect(executor.stats().respawns).toBe(1)
    })

    test('C3 while another task of its batch runs, a task that will not start ends no thread', async () => {
      const executor = make({ abortGraceMs: 0 })
      const tasks = [bind('busyFor', 400), bind('nothing'), bind('countCalls')]
      const executions = tasks.map((task) => new TestExecution(task.export))
      await run(executor, bind('countCalls'))
      const outcomes = batch(executor, tasks, executions)
      executions[1]?.cancel('not you')
      executor.abort(executions[1] as TestExecution)
      expect(await outcomes).toEqual([
        { status: 'fulfilled', value: undefined },
        { status: 'rejected', reason: 'not you' },
        { status: 'fulfilled', value: 2 },
      ])
    })

    test('F1 a task that throws the reason it was cancelled for rejects with that very one', async () => {
      const executor = make({ abortGraceMs: Number.POSITIVE_INFINITY })
      const started = cell()
      const execution = new TestExecution('spinUntilThrown')
      const outcome = executor.execute(bind('spinUntilThrown', started), execution)
      await changed(started)
      const reason = new RangeError('enough')
      execution.cancel(reason)
      executor.abort(execution)
      expect(await rejection(outcome)).toBe(reason)
    })

    test('C3 a module that never ends loading is ended too', async () => {
      const loading = cell()
      const executor = make({ abortGraceMs: 0, workerData: loading })
      const execution = new TestExecution('run')
      const outcome = executor.execute({ module: fixtureModule('slow-loading.js'), export: 'run', args: [] }, execution)
      await changed(loading)
      execution.cancel('stop')
      executor.abort(execution)
      expect(await rejection(outcome)).toBe('stop')
    })

    test('C1 a task of a batch that is cancelled before its turn never runs', async () => {
      const executor = make()
      const gate = cell()
      const marks = cell(2)
      const executions = ['spinWhile', 'mark', 'mark'].map((task) => new TestExecution(task))
      const outcomes = batch(executor, [bind('spinWhile', gate, 0), bind('mark', marks, 0), bind('mark', marks, 1)], executions)
      executions[1]?.cancel('not you')
      executor.abort(executions[1] as TestExecution)
      Atomics.store(gate, 0, 9)
      expect(await outcomes).toEqual([
        { status: 'fulfilled', value: 9 },
        { status: 'rejected', reason: 'not you' },
        { status: 'fulfilled', value: undefined },
      ])
      expect([...marks]).toEqual([0, 1])
    })

    test('C3 ending a task of a batch by force costs no other: what had not started is lost, to be run elsewhere', async () => {
      const executor = make({ abortGraceMs: 0 })
      const started = cell()
      const marks = cell(2)
      const executions = ['mark', 'markAndSpin', 'mark'].map((task) => new TestExecution(task))
      const outcomes = batch(executor, [bind('mark', marks, 0), bind('markAndSpin', started), bind('mark', marks, 1)], executions)
      await changed(started)
      executions[1]?.cancel('stuck')
      executor.abort(executions[1] as TestExecution)
      expect(await outcomes).toEqual([
        { status: 'fulfilled', value: undefined },
        { status: 'rejected', reason: 'stuck' },
        { status: 'lost' },
      ])
      expect([...marks]).toEqual([1, 0])
    })

    test('C3 an abort that races with the end hurts no innocent task', async () => {
      const executor = make({ abortGraceMs: 0 })
      const strays: unknown[] = []
      executor.onStrayError = (error) => strays.push(error)
      const innocents = cell()
      const rounds = 100
      for (let round = 0; round < rounds; round++) {
        const execution = new TestExecution('nothing')
        const outcome = executor.execute(bind('nothing'), execution) as Promise<unknown>
        // Each round a little later, from before the start to after the end.
        for (let spin = 0; spin < round * 40; spin++) Atomics.load(innocents, 0)
        execution.cancel('raced')
        executor.abort(execution)
        const result = await outcome.catch((error: unknown) => error)
        expect([undefined, 'raced']).toContain(result)
        await run(executor, bind('mark', innocents, 0))
      }
      expect(innocents[0]).toBe(rounds)
      expect(strays).toEqual([])
    })
  })

  describe(`${name}: batches`, () => {
    test('S1 the tasks of a batch run in order and each has its own outcome', async () => {
      const executor = make()
      const outcomes = await batch(executor, [
        bind('countCalls'),
        bind('throwValue', 'no'),
        bind('addLater', 1, 1),
        bind('countCalls'),
        bind('echo', ['x']),
      ])
      expect(outcomes).toEqual([
        { status: 'fulfilled', value: 1 },
        { status: 'rejected', reason: 'no' },
        { status: 'fulfilled', value: 2 },
        { status: 'fulfilled', value: 2 },
        { status: 'fulfilled', value: ['x'] },
      ])
    })

    test('S1 a full batch has an outcome for every task', async () => {
      const executor = make()
      const tasks = Array.from({ length: executor.capabilities.maxBatch }, (_, index) => bind('add', index, 1))
      const outcomes = await batch(executor, tasks)
      expect(outcomes).toEqual(tasks.map((_, index) => ({ status: 'fulfilled', value: index + 1 })))
    })

    test('F1 tasks of a batch share no object, neither in their arguments nor in their results', async () => {
      const box = {}
      const outcomes = await batch(make(), [bind('mutate', box), bind('mutate', box), bind('sharedResult'), bind('sharedResult')])
      const values = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome))
      expect(values).toEqual([1, 1, { list: [] }, { list: [] }])
      expect(values[2]).not.toBe(values[3])
    })

    test('S2 with its outcome comes how long each task ran, however it ended', async () => {
      const tasks = [bind('busyFor', 20), bind('nothing'), bind('echo', ['x']), bind('throwValue', 'no')]
      const times = (await measuredBatch(shared(), tasks)).map(({ runMs }) => runMs)
      expect(times).toEqual(tasks.map(() => expect.any(Number)))
      expect(times[0]).toBeGreaterThanOrEqual(20)
    })

    test('F1 `batch: false` turns it off', () => {
      const executor = make({ batch: false })
      expect(executor.capabilities.maxBatch).toBe(1)
      expect(executor.executeBatch).toBeUndefined()
    })

    test('F1 the estimate follows the measured run time of each function', async () => {
      const executor = make()
      expect(executor.estimate(bind('busyFor'))).toBeUndefined()
      await run(executor, bind('busyFor', 30))
      await run(executor, bind('nothing'))
      expect(executor.estimate(bind('busyFor'))).toBeGreaterThanOrEqual(30)
      expect(executor.estimate(bind('nothing'))).toBeLessThan(30)
    })
  })

  describe(`${name}: threads of one's own`, () => {
    test('S4 every task runs on one thread, whose module state persists', async () => {
      const executor = make()
      const thread = executor.openThread({ name: 'mine', onLost: () => {} })
      const call = (task: string) => thread.execute(bind(task), new TestExecution(task))
      const threadId = await call('thread')
      expect([await call('countCalls'), await call('countCalls'), await call('countCalls')]).toEqual([1, 2, 3])
      expect(await call('thread')).toBe(threadId)
      expect(await run(executor, bind('countCalls'))).toBe(1)
      await thread.close()
      await thread.close()
      expect(() => thread.execute(bind('thread'), new TestExecution('thread'))).toThrow(PoolClosedError)
    })

    test('S4 a lost thread is told before the task that it cut short rejects; the next task has a new one', async () => {
      const events: string[] = []
      const thread = make().openThread({ name: 'mine', onLost: (error) => events.push(error.name) })
      await thread.execute(bind('countCalls'), new TestExecution('countCalls'))
      await rejection(thread.execute(bind('exit', 1), new TestExecution('exit'))).then(() => events.push('rejected'))
      expect(events).toEqual(['WorkerCrashedError', 'rejected'])
      expect(await thread.execute(bind('countCalls'), new TestExecution('countCalls'))).toBe(1)
    })

    test.each(['taken back', 'rejected'])('S4 a task that the lost thread had not started is %s, not sent again', async (end) => {
      const events: unknown[] = []
      const takesBack = end === 'taken back'
      const thread = make().openThread({
        name: 'mine',
        onLost: () => events.push('lost'),
        takeBack: (execution) => {
          events.push(execution.name)
          return takesBack
        },
      })
      const [gate, marks] = [cell(2), cell()]
      await thread.execute(bind('returnThenWait', gate), new TestExecution('returnThenWait'))
      await changed(gate)
      const outcome = rejection(thread.execute(bind('mark', marks, 0), new TestExecution('unstarted')))
      void outcome.then((error) => events.push(error))
      Atomics.store(gate, 1, 1)
      if (!takesBack) await outcome
      // It would have run ahead of this one.
      else while (events.length < 2) await new Promise(setImmediate)
      expect(await thread.execute(bind('countCalls'), new TestExecution('countCalls'))).toBe(1)
      expect(events).toEqual(['unstarted', 'lost', ...(takesBack ? [] : [expect.any(WorkerCrashedError)])])
      expect(marks[0]).toBe(0)
      await thread.close()
    })

    test('C3 its running task can be ended by force', async () => {
      let losses = 0
      const thread = make({ abortGraceMs: 0 }).openThread({ name: 'mine', onLost: () => losses++ })
      const started = cell()
      const execution = new TestExecution('markAndSpin')
      const outcome = thread.execute(bind('markAndSpin', started), execution)
      await changed(started)
      execution.cancel('stop')
      thread.abort?.(execution)
      expect(await rejection(outcome)).toBe('stop')
      expect(losses).toBe(1)
    })
  })

  describe(`${name}: life of the executor`, () => {
    test('W6 close waits for what runs, then ends every thread; closed is final', async () => {
      const executor = make({ maxThreads: 2 })
      const gate = cell()
      const running = run(executor, bind('spinWhile', gate, 0))
      const closing = executor.close()
      expect(executor.close()).toBe(closing)
      expect(() => run(executor, bind('nothing'))).toThrow(PoolClosedError)
      Atomics.store(gate, 0, 1)
      await closing
      expect(await running).toBe(1)
      expect(executor.stats().threads.map(({ threadId }) => threadId)).toEqual([undefined, undefined])
    })

    test('W6 terminate ends what runs, which rejects with WorkerCrashedError', async () => {
      const executor = make()
      const running = run(executor, bind('spin'))
      const thread = executor.openThread({ name: 'mine', onLost: () => {} })
      const alsoRunning = thread.execute(bind('never'), new TestExecution('never'))
      await executor.ready()
      await Promise.all([rejection(running), rejection(alsoRunning), executor.terminate()]).then(([one, other]) => {
        expect([one, other]).toEqual([expect.any(WorkerCrashedError), expect.any(WorkerCrashedError)])
      })
    })

    test('W6 ready starts every slot', async () => {
      const executor = make({ maxThreads: 2 })
      expect(executor.stats().started).toBe(0)
      await executor.ready()
      expect(executor.stats()).toMatchObject({ slots: 2, started: 2 })
    })

    test('W6 a task that comes while ready starts the threads waits for one of them', async () => {
      const executor = make({ maxThreads: 2 })
      const ready = executor.ready()
      const outcomes = [run(executor, bind('add', 1, 1)), run(executor, bind('add', 2, 2))]
      expect(await Promise.all(outcomes)).toEqual([2, 4])
      await ready
      expect(executor.stats()).toMatchObject({ started: 2, busy: 0 })
    })

    test('W6 threads above minThreads are released when they idle', async () => {
      const executor = make({ minThreads: 1, maxThreads: 3, idleTimeout: 0 })
      await executor.ready()
      while (executor.stats().threads.filter(({ threadId }) => threadId !== undefined).length > 1) await new Promise(setImmediate)
      expect(await run(executor, bind('add', 1, 1))).toBe(2)
    })

    test('E3 an idle executor does not keep the process alive', () => {
      expect(inProcess(bind('nothing'), "clearInterval(stay); console.log('idle')")).toEqual({
        stdout: 'idle\n',
        stderr: '',
        status: 0,
      })
    })

    test('F6 a pool that is undefined is none', () => {
      expect(make({ pool: undefined }).capabilities.terminate).toBe(true)
    })

    test.each<[string, Record<string, unknown>, ErrorConstructor]>([
      ['maxThreads of 0', { maxThreads: 0 }, RangeError],
      ['maxThreads that is no number', { maxThreads: '2' }, TypeError],
      ['minThreads above maxThreads', { minThreads: 3, maxThreads: 2 }, RangeError],
      ['a negative abortGraceMs', { abortGraceMs: -1 }, RangeError],
      ['an idleTimeout that is NaN', { idleTimeout: Number.NaN }, RangeError],
      ['batch that is no boolean', { batch: 1 }, TypeError],
      ['an option of the queue', { maxQueue: 10 }, TypeError],
    ])('F6 %s is refused', (_, options, errorClass) => {
      expect(() => makeExecutor(options as Options)).toThrow(errorClass)
    })
  })
}
