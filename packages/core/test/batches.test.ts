import {
  type BoundTask,
  type Clock,
  type Executor,
  ParallelTaskRunner,
  SequencedTaskRunner,
  type Settled,
  systemClock,
  type TaskExecution,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { checkSequenced, RecordingObserver } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

// A turn must not be over because the machine does other things: these tests count turns.
const turnBudgetMs = 1e9

const task = (name: string): BoundTask<string> => ({ module: 'test:module', export: name, args: [] })

/** Settles a message when the test says so. */
interface Message {
  readonly names: readonly string[]
  settle(outcomes?: readonly Settled[]): void
  /** Says what is known while one takes long. */
  slow(known: readonly (Settled | undefined)[]): void
}

/** An executor of threads that are not there: it writes down which tasks travel together. */
class FakeThreads implements Executor<BoundTask> {
  readonly name = 'fake'
  readonly accepts = ['bound'] as const
  readonly clock: Clock
  readonly capabilities = { boundary: 'thread', transfer: false, terminate: false, sharedMemory: false, maxBatch: 8 } as const
  readonly messages: Message[] = []
  readonly maxConcurrency: number
  /** Thrown at the call. */
  refusal: Error | undefined = undefined
  readonly #costs: Readonly<Record<string, number>>

  constructor(maxConcurrency: number, costs: Readonly<Record<string, number>>, clock: Clock = systemClock) {
    this.clock = clock
    this.maxConcurrency = maxConcurrency
    this.#costs = costs
  }

  estimate({ export: name }: BoundTask): number | undefined {
    return this.#costs[name.charAt(0)]
  }

  async execute(one: BoundTask, execution: TaskExecution): Promise<unknown> {
    const [outcome] = await this.executeBatch([one], [execution])
    if (outcome?.status === 'fulfilled') return outcome.value
    throw outcome?.status === 'rejected' ? outcome.reason : new Error('lost')
  }

  executeBatch(
    tasks: readonly BoundTask[],
    _executions: readonly TaskExecution[],
    slow: Message['slow'] = () => {},
  ): Promise<readonly Settled[]> {
    if (this.refusal !== undefined) throw this.refusal
    const names = tasks.map(({ export: name }) => name)
    return new Promise((resolve) => {
      const all = names.map((value): Settled => ({ status: 'fulfilled', value }))
      this.messages.push({ names, settle: (outcomes = all) => resolve(outcomes), slow })
    })
  }

  openThread(): never {
    throw new Error('not needed here')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  terminate(): Promise<void> {
    return Promise.resolve()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const cheap = { a: 0.1, b: 0.1, c: 0.1 }

test('S5 small tasks travel together, the runners in turn', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const [first, second] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
  const outcomes = ['a1', 'a2', 'a3'].map((name) => first.run(task(name)))
  outcomes.push(...['b1', 'b2'].map((name) => second.run(task(name))))
  await turn()
  expect(threads.messages.map(({ names }) => names)).toEqual([['a1', 'b1', 'a2', 'b2', 'a3']])
  threads.messages[0]?.settle()
  expect(await Promise.all(outcomes)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2'])
})

test('S1 a batch takes no longer than a millisecond, and what is unknown goes alone', async () => {
  const threads = new FakeThreads(1, { a: 0.4 })
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  for (const name of ['a1', 'a2', 'a3', 'x1', 'x2']) runner.postTask(task(name))
  for (let message = 0; message < 4; message++) {
    await turn()
    threads.messages[message]?.settle()
  }
  await runner.waitIdle()
  expect(threads.messages.map(({ names }) => names)).toEqual([['a1', 'a2'], ['a3'], ['x1'], ['x2']])
})

test('P1 free slots share what is ready', async () => {
  const threads = new FakeThreads(2, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  for (const name of ['a1', 'a2', 'a3', 'a4']) runner.postTask(task(name))
  await turn()
  expect(threads.messages.map(({ names }) => names.length)).toEqual([2, 2])
  for (const message of threads.messages) message.settle()
  await runner.waitIdle()
})

test('P1 a parallel runner of which a task travels with that of another goes on while slots are free', async () => {
  const executor = new FakeThreads(4, { a: 0.1, b: 0.1 })
  const pool = new ThreadPool({ turnBudgetMs, executor })
  const [first, second] = [1, 2].map(() => new ParallelTaskRunner(pool, { maxConcurrency: 4 })) as [
    ParallelTaskRunner<BoundTask>,
    ParallelTaskRunner<BoundTask>,
  ]
  for (const name of ['a1', 'a2', 'a3', 'a4']) first.postTask(task(name))
  for (const name of ['b1', 'long1', 'long2']) second.postTask(task(name))
  await turn()
  expect(executor.messages.map(({ names }) => names)).toContainEqual(['a1', 'b1'])
  expect(executor.messages.flatMap(({ names }) => names)).toContain('long1')
  expect(pool.stats().active).toBe(4)
})

test('D3 D5 a tick travels alone: what is stopped must not start', async () => {
  const executor = new FakeThreads(1, { s: 0.1 })
  const pool = new ThreadPool({ turnBudgetMs, executor })
  const [first, second] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
  first.postTask(task('alone'))
  await turn()
  first.postTask(task('s1'))
  const ticking = second.postRepeatingTask(task('s2'), 100_000, { initialDelay: 0, unref: true })
  while (second.stats().pending === 0) await new Promise((resolve) => setTimeout(resolve))
  executor.messages[0]?.settle()
  await turn()
  executor.messages[1]?.settle()
  await turn()
  expect(executor.messages.slice(1).map(({ names }) => names)).toEqual(expect.arrayContaining([['s1'], ['s2']]))
  expect(ticking.runCount).toBe(1)
  ticking.stop()
  executor.messages[2]?.settle()
  await Promise.all([first.waitIdle(), second.waitIdle()])
})

describe('what is told of a batch', () => {
  const open = () => {
    let now = 0
    const threads = new FakeThreads(1, cheap, { ...systemClock, now: () => now })
    const observer = new RecordingObserver()
    const pool = new ThreadPool({ turnBudgetMs, executor: threads, observer, onTaskError: () => {} })
    const runner = new SequencedTaskRunner(pool, { history: true })
    const events = () => observer.events.filter(({ kind }) => kind !== 'posted').map(({ kind, task: name }) => `${kind} ${name}`)
    return { threads, observer, pool, runner, events, setNow: (to: number) => void (now = to) }
  }

  test('S2 only the first of a sequence runs; the others wait for their turns, and start and end in order', async () => {
    const { threads, observer, pool, runner, events } = open()
    const handles = ['a1', 'a2', 'a3'].map((name) => runner.postTask(task(name), { name }))
    await turn()
    expect(threads.messages[0]?.names).toEqual(['a1', 'a2', 'a3'])
    expect(handles.map(({ state }) => state)).toEqual(['running', 'queued', 'queued'])
    expect(runner.stats()).toMatchObject({ running: 1, pending: 2 })
    expect(pool.stats()).toMatchObject({ active: 1, queued: 2 })
    expect(events()).toEqual(['started a1'])
    threads.messages[0]?.settle()
    await runner.waitIdle()
    expect(events()).toEqual(['started a1', 'finished a1', 'started a2', 'finished a2', 'started a3', 'finished a3'])
    expect(checkSequenced(observer.events)).toEqual({ ok: true })
    expect(runner.stats()).toMatchObject({ running: 0, pending: 0, completed: 3 })
  })

  test('S2 each has the times that were measured on the thread', async () => {
    const { threads, pool, runner, setNow } = open()
    const finished: string[] = []
    pool.addObserver({ onFinished: ({ name, waitMs, runMs }) => void finished.push(`${name} ${waitMs} ${runMs}`) })
    for (const name of ['a1', 'a2', 'a3']) runner.postTask(task(name), { name })
    setNow(10)
    await turn()
    setNow(90)
    threads.messages[0]?.settle([
      { status: 'fulfilled', value: 1, runMs: 5 },
      { status: 'rejected', reason: 'no', runMs: 7 },
      { status: 'fulfilled', value: 3, runMs: 2 },
    ])
    await runner.waitIdle()
    expect(finished).toEqual(['a1 10 5', 'a2 15 7', 'a3 22 2'])
    expect(runner.recentTasks().map(({ name, endedAt }) => `${name} ${endedAt}`)).toEqual(['a3 24', 'a2 22', 'a1 15'])
  })

  test('S2 the one that takes long starts when those before it are known to have ended', async () => {
    const { threads, observer, runner, events } = open()
    const handles = ['a1', 'a2', 'a3', 'a4'].map((name) => runner.postTask(task(name), { name }))
    await turn()
    threads.messages[0]?.slow([
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 2 },
      undefined,
      { status: 'lost' },
    ])
    expect(handles.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'running', 'queued'])
    expect(runner.stats()).toMatchObject({ running: 1, pending: 1 })
    expect(events().slice(-1)).toEqual(['started a3'])
    await turn()
    expect(threads.messages).toHaveLength(1)
    threads.messages[0]?.settle([{ status: 'lost' }, { status: 'lost' }, { status: 'fulfilled', value: 3 }, { status: 'lost' }])
    await turn()
    threads.messages[1]?.settle()
    await runner.waitIdle()
    expect(events().slice(-3)).toEqual(['finished a3', 'started a4', 'finished a4'])
    expect(checkSequenced(observer.events)).toEqual({ ok: true })
  })

  test('C1 one that is cancelled before its turn is never told to have started', async () => {
    const { threads, pool, runner, events } = open()
    const aborted: string[] = []
    Object.assign(threads, { abort: ({ name }: TaskExecution) => aborted.push(name) })
    const started: unknown[] = []
    pool.addObserver({ onFinished: ({ name, hasStarted }) => void started.push(`${name} ${hasStarted}`) })
    const handles = ['a1', 'a2', 'a3'].map((name) => runner.postTask(task(name), { name }))
    await turn()
    expect(handles[1]?.cancel()).toBe(true)
    expect(aborted).toEqual(['a2'])
    expect(handles.map(({ state }) => state)).toEqual(['running', 'cancelled', 'queued'])
    threads.messages[0]?.settle([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: 'cancelled' },
      { status: 'fulfilled', value: 3 },
    ])
    await runner.waitIdle()
    expect(events()).toEqual(['started a1', 'finished a2', 'finished a1', 'started a3', 'finished a3'])
    expect(started).toEqual(['a2 false', 'a1 true', 'a3 true'])
    expect(runner.stats()).toMatchObject({ running: 0, pending: 0, completed: 2, cancelled: 1 })
  })

  test('W6 a batch whose pool is terminated leaves no count behind', async () => {
    const { threads, pool, runner, events } = open()
    const handles = ['a1', 'a2', 'a3'].map((name) => runner.postTask(task(name), { name }))
    await turn()
    await pool.terminate()
    threads.messages[0]?.settle()
    await turn()
    expect(handles.map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(runner.stats()).toMatchObject({ running: 0, pending: 0, cancelled: 3 })
    expect(events()).toEqual(['started a1', 'finished a1', 'finished a2', 'finished a3'])
    expect(pool.stats().active).toBe(0)
  })

  test('F1 what reports progress, or carries something for an observer, travels alone', async () => {
    const { threads, pool, runner } = open()
    runner.postTask(task('a1'))
    runner.postTask(task('a2'), { onProgress: () => {} })
    runner.postTask(task('a3'))
    for (let message = 0; message < 3; message++) {
      await turn()
      threads.messages[message]?.settle()
    }
    pool.addObserver({ onStarted: (event) => event.carry('key', 'value') })
    for (const name of ['b1', 'b2']) runner.postTask(task(name))
    for (let message = 3; message < 5; message++) {
      await turn()
      threads.messages[message]?.settle()
    }
    await runner.waitIdle()
    expect(threads.messages.map(({ names }) => names)).toEqual([['a1'], ['a2'], ['a3'], ['b1'], ['b2']])
  })
})

test('P5 a less urgent task does not travel in the slot of a more urgent one', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1 })
  runner.postTask(task('a1'), { priority: 'user-blocking' })
  runner.postTask(task('a2'), { priority: 'best-effort' })
  await turn()
  expect(threads.messages[0]?.names).toEqual(['a1'])
  threads.messages[0]?.settle()
  await turn()
  threads.messages[1]?.settle()
  await runner.waitIdle()
})

test('F1 C2 outcomes are those of each task: one fails, one is cancelled meanwhile, one succeeds', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  const controller = new AbortController()
  const failed = runner.run(task('a1'))
  const cancelled = runner.run(task('a2'), { signal: controller.signal })
  const succeeded = runner.run(task('a3'))
  await turn()
  controller.abort('not wanted')
  await expect(cancelled).rejects.toBe('not wanted')
  const reason = new RangeError('expected')
  threads.messages[0]?.settle([
    { status: 'rejected', reason },
    { status: 'fulfilled', value: 2 },
    { status: 'fulfilled', value: 3 },
  ])
  await expect(failed).rejects.toBe(reason)
  expect(await succeeded).toBe(3)
  expect(runner.stats()).toMatchObject({ completed: 1, failed: 1, cancelled: 1, running: 0, pending: 0 })
})

test('F5 tasks that a dead thread had not started run elsewhere, in order and ahead of what waits', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  const outcomes = ['a1', 'a2', 'a3'].map((name) => runner.run(task(name)).catch((error: Error) => error.message))
  const idle = runner.waitIdle()
  await turn()
  const behind = runner.run(task('a4'))
  threads.messages[0]?.settle([{ status: 'rejected', reason: new Error('crashed') }, { status: 'lost' }, { status: 'lost' }])
  await outcomes[0]
  // Alone, for it may be one of them that kills threads.
  for (let message = 1; message < 4; message++) {
    await turn()
    threads.messages[message]?.settle()
  }
  expect(threads.messages.slice(1).map(({ names }) => names)).toEqual([['a2'], ['a3'], ['a4']])
  expect(await Promise.all(outcomes)).toEqual(['crashed', 'a2', 'a3'])
  await idle
  expect(await behind).toBe('a4')
})

test('F2 an executor that refuses a batch at the call fails its tasks, and the pool goes on', async () => {
  const threads = new FakeThreads(1, cheap)
  const refusal = new Error('refused')
  threads.refusal = refusal
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  const outcomes = ['a1', 'a2'].map((name) => runner.run(task(name)))
  expect(await Promise.allSettled(outcomes)).toEqual([
    { status: 'rejected', reason: refusal },
    { status: 'rejected', reason: refusal },
  ])
  threads.refusal = undefined
  const next = runner.run(task('a3'))
  await turn()
  threads.messages[0]?.settle()
  expect(await next).toBe('a3')
  expect(pool.stats().active).toBe(0)
})

test('F5 the wait of a task that goes back to the queue counts from its post', async () => {
  let now = 0
  const threads = new FakeThreads(1, cheap, { ...systemClock, now: () => now })
  const pool = new ThreadPool({ turnBudgetMs, executor: threads, onTaskError: () => {} })
  const finished: string[] = []
  pool.addObserver({ onFinished: ({ name, waitMs, runMs }) => void finished.push(`${name} ${waitMs} ${runMs}`) })
  const runner = new SequencedTaskRunner(pool)
  for (const name of ['a1', 'a2']) runner.postTask(task(name), { name })
  await turn()
  now = 10
  threads.messages[0]?.settle([{ status: 'rejected', reason: new Error('crashed') }, { status: 'lost' }])
  await turn()
  now = 15
  threads.messages[1]?.settle()
  await runner.waitIdle()
  expect(finished).toEqual(['a1 0 10', 'a2 10 5'])
})

test('F5 what moves to a thread travels alone: a thread that dies before its turn would take it along', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  const bytes = new ArrayBuffer(8)
  for (const name of ['a1', 'a2', 'a3', 'a4']) runner.postTask(task(name), name === 'a3' ? { transfer: [bytes] } : {})
  for (let message = 0; message < 3; message++) {
    await turn()
    threads.messages[message]?.settle()
  }
  await runner.waitIdle()
  expect(threads.messages.map(({ names }) => names)).toEqual([['a1', 'a2'], ['a3'], ['a4']])
})

test('C2 a task with a time limit travels alone: no other may use its time up', async () => {
  const threads = new FakeThreads(1, cheap)
  const pool = new ThreadPool({ turnBudgetMs, executor: threads })
  const runner = new SequencedTaskRunner(pool)
  for (const name of ['a1', 'a2', 'a3', 'a4']) runner.postTask(task(name), name === 'a3' ? { timeout: 60_000 } : {})
  for (let message = 0; message < 3; message++) {
    await turn()
    threads.messages[message]?.settle()
  }
  await runner.waitIdle()
  expect(threads.messages.map(({ names }) => names)).toEqual([['a1', 'a2'], ['a3'], ['a4']])
})

describe('while one task of a batch takes long', () => {
  const value = (name: string): Settled => ({ status: 'fulfilled', value: name })
  const lost: Settled = { status: 'lost' }

  /** Two slots, of which the first has a message with the tasks of two sequences. */
  const start = async () => {
    const threads = new FakeThreads(2, cheap)
    const late: unknown[] = []
    const pool = new ThreadPool({ turnBudgetMs, executor: threads, onTaskError: ({ error }) => void late.push(error) })
    const [first, second] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
    const told: unknown[] = []
    const post = (runner: TaskRunner<BoundTask>, name: string) =>
      void runner.run(task(name)).then(
        (result) => told.push(result),
        (error: unknown) => told.push(`${name}: ${String(error)}`),
      )
    const fence = pool.fence()
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) post(first, name)
    for (const name of ['b1', 'b2', 'b3', 'b4', 'b5', 'b6']) post(second, name)
    fence[Symbol.dispose]()
    await turn()
    const sent = () => threads.messages.map(({ names }) => names)
    return { pool, threads, told, late, sent }
  }

  test('F1 S2 those that ended are told; its sequence goes on when it has ended, and not before', async () => {
    const { pool, threads, told, sent } = await start()
    expect(sent()).toEqual([['a1', 'b1', 'a2', 'b2']])
    const [message] = threads.messages
    message?.slow([value('a1'), value('b1'), undefined, lost])
    await turn()
    expect(told).toEqual(['a1', 'b1'])
    // The other sequence has the other slot, where it goes on.
    expect(sent().slice(1)).toEqual([['b2', 'b3', 'b4', 'b5', 'b6']])
    message?.settle([value('a1'), value('b1'), { status: 'rejected', reason: 'no' }, lost])
    await turn()
    expect(told).toEqual(['a1', 'b1', 'a2: no'])
    expect(sent().slice(2)).toEqual([['a3', 'a4', 'a5', 'a6']])
    threads.messages[2]?.settle()
    threads.messages[1]?.settle()
    await pool.close()
    expect(told.slice(3)).toEqual(['a3', 'a4', 'a5', 'a6', 'b2', 'b3', 'b4', 'b5', 'b6'])
    expect(threads.messages).toHaveLength(3)
  })

  test('F5 what was taken back and runs elsewhere is not touched by the end of the batch', async () => {
    const { pool, threads, told, sent } = await start()
    const [message] = threads.messages
    message?.slow([undefined, lost, lost, lost])
    await turn()
    expect(sent().slice(1)).toEqual([['b1', 'b2', 'b3', 'b4', 'b5', 'b6']])
    message?.settle([{ status: 'rejected', reason: 'crash' }, lost, lost, lost])
    await turn()
    expect(told).toEqual(['a1: crash'])
    expect(sent().slice(2)).toEqual([['a2', 'a3', 'a4', 'a5', 'a6']])
    threads.messages[1]?.settle()
    threads.messages[2]?.settle()
    await pool.close()
    expect(told).toHaveLength(12)
    expect(threads.messages).toHaveLength(3)
  })

  test('S2 a sequence of which nothing runs goes on, though its first task has the slot', async () => {
    const { pool, threads, told, sent } = await start()
    threads.messages[0]?.slow([value('a1'), undefined, lost, lost])
    await turn()
    expect(told).toEqual(['a1'])
    expect(sent().slice(1)).toEqual([['a2', 'a3', 'a4', 'a5', 'a6']])
    expect(pool.stats().active).toBe(2)
    threads.messages[0]?.settle([value('a1'), value('b1'), lost, lost])
    while (told.length < 12) {
      await turn()
      for (const message of threads.messages) message.settle()
    }
    await pool.close()
    expect(told.filter((name) => String(name).startsWith('b'))).toEqual(['b1', 'b2', 'b3', 'b4', 'b5', 'b6'])
    expect(pool.stats().active).toBe(0)
  })

  test('P5 with the slot goes that it is one of a best-effort task', async () => {
    const threads = new FakeThreads(3, cheap)
    const pool = new ThreadPool({ turnBudgetMs, executor: threads, maxBestEffort: 2 })
    const [first, second] = [1, 2].map(() => new SequencedTaskRunner(pool, { priority: 'best-effort' }))
    const fence = pool.fence()
    for (const name of ['a1', 'a2', 'a3', 'a4']) first?.postTask(task(name))
    for (const name of ['b1', 'b2', 'b3', 'b4']) second?.postTask(task(name))
    fence[Symbol.dispose]()
    await turn()
    expect(threads.messages[0]?.names).toEqual(['a1', 'b1'])
    threads.messages[0]?.slow([value('a1'), undefined])
    while (pool.stats().queued + pool.stats().active > 0) {
      await turn()
      for (const message of threads.messages) message.settle()
    }
    const sent = threads.messages.length
    const unknown = new ParallelTaskRunner(pool, { maxConcurrency: 3, priority: 'best-effort' })
    for (const name of ['x1', 'x2', 'x3']) unknown.postTask(task(name))
    await turn()
    expect(threads.messages.slice(sent).map(({ names }) => names)).toEqual([['x1'], ['x2']])
    for (const message of threads.messages) message.settle()
    await turn()
    threads.messages.at(-1)?.settle()
    await unknown.waitIdle()
  })

  test('P1 its slot stays taken, though the task that took it has ended', async () => {
    const threads = new FakeThreads(1, cheap)
    const pool = new ThreadPool({ turnBudgetMs, executor: threads })
    const outcomes = ['a1', 'b1'].map((name) => new SequencedTaskRunner(pool).run(task(name)))
    await turn()
    threads.messages[0]?.slow([value('a1'), undefined])
    expect(await outcomes[0]).toBe('a1')
    const behind = new SequencedTaskRunner(pool).run(task('c1'))
    await turn()
    expect(threads.messages).toHaveLength(1)
    threads.messages[0]?.settle()
    await turn()
    threads.messages[1]?.settle()
    expect(await Promise.all([outcomes[1], behind])).toEqual(['b1', 'c1'])
  })

  test('F5 what was taken back of a parallel runner may run beside it, and has its own outcome', async () => {
    const threads = new FakeThreads(3, cheap)
    const pool = new ThreadPool({ turnBudgetMs, executor: threads })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 3 })
    const fence = pool.fence()
    const outcomes = ['a1', 'a2', 'a3', 'a4'].map((name) => runner.run(task(name)))
    fence[Symbol.dispose]()
    await turn()
    threads.messages[0]?.slow([undefined, lost])
    await turn()
    threads.messages[1]?.settle()
    await turn()
    expect(threads.messages.map(({ names }) => names)).toEqual([['a1', 'a2'], ['a3'], ['a4'], ['a2']])
    threads.messages[0]?.settle([value('a1'), lost])
    expect(await outcomes[0]).toBe('a1')
    for (const message of threads.messages) message.settle()
    expect(await Promise.all(outcomes)).toEqual(['a1', 'a2', 'a3', 'a4'])
  })

  test('F2 an outcome that was told is not told again', async () => {
    const { pool, threads, told, late } = await start()
    const outcomes: Settled[] = [{ status: 'rejected', reason: 'once' }, ...['b1', 'a2', 'b2'].map(value)]
    threads.messages[0]?.slow(outcomes.map((outcome, index) => (index === 3 ? undefined : outcome)))
    await turn()
    threads.messages[0]?.settle(outcomes)
    while (told.length < 12) {
      for (const message of threads.messages) message.settle()
      await turn()
    }
    await pool.close()
    expect(told.filter((outcome) => outcome === 'a1: once')).toHaveLength(1)
    expect([told.length, late]).toEqual([12, []])
  })
})
