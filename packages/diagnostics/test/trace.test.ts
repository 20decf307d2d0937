import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Observer, ParallelTaskRunner, SequencedTaskRunner, type TaskFinishedEvent, ThreadPool } from '@posttask/core'
import { type Trace, type TraceEvent, TraceRecorder, traceToHtml, validateTrace } from '@posttask/diagnostics'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { openInDevTools } from './devtools.ts'

type Env = ReturnType<typeof createTestEnvironment>

/** Runs `body` on a pool, and gives the trace of it. */
const traceOf = async (
  body: (pool: ThreadPool, env: Env) => Promise<void>,
  { maxTasks, ...options }: { maxTasks?: number; traceOrigin?: boolean } = {},
): Promise<Trace> => {
  await using env = createTestEnvironment()
  const pool = new ThreadPool({
    executor: env.createExecutor(),
    name: 'main',
    onTaskError: () => {},
    onTaskRejected: () => {},
    ...options,
  })
  using recorder = new TraceRecorder([pool], { now: () => env.clock.now(), maxTasks })
  await body(pool, env)
  const trace = recorder.trace()
  const closing = pool.close()
  await env.advanceBy(10_000)
  await closing
  return trace
}

/** A click that loads something and shows it, beside work in parallel. */
const album = async (pool: ThreadPool, env: Env): Promise<void> => {
  const ui = new SequencedTaskRunner(pool, { name: 'ui' })
  const io = new ParallelTaskRunner(pool, { name: 'io', maxConcurrency: 2 })
  ui.postTask(
    async (context) => {
      for (const photo of ['a', 'b', 'c']) {
        io.postTaskAndReply(
          (task) => task.sleep(20),
          () => {},
          { name: `fetch ${photo}`, replyTo: ui, replyOptions: { name: `show ${photo}` } },
        )
      }
      await context.sleep(5)
    },
    { name: 'click' },
  )
  await env.advanceBy(60)
}

const slices = ({ traceEvents }: Trace): TraceEvent[] => traceEvents.filter(({ ph }) => ph === 'X')

const laneNames = ({ traceEvents }: Trace): Map<number, string> =>
  new Map(traceEvents.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [tid, String(args?.['name'])]))

/** The slices of tasks as `lane: name from-to`, in milliseconds. */
const drawn = (trace: Trace): string[] => {
  const lanes = laneNames(trace)
  const ms = (micros: number): number => Math.round(micros / 1000)
  return slices(trace)
    .filter(({ args }) => args !== undefined)
    .map(({ name, tid, ts, dur = 0 }) => `${lanes.get(tid)}: ${name} ${ms(ts)}-${ms(ts + dur)}`)
    .toSorted()
}

/** A recorder and what its pool tells it: events that no virtual executor makes. */
const recorderToldOf = (now: () => number) => {
  let observer: Required<Observer> | undefined
  const addObserver = (added: Required<Observer>): Disposable => {
    observer = added
    return { [Symbol.dispose]: () => {} }
  }
  const recorder = new TraceRecorder([{ name: 'main', addObserver } as unknown as ThreadPool], { now })
  return { recorder, tell: observer as unknown as Required<Observer> }
}

/** All that is read of the events of one task. */
const taskCalled = (name: string, id: number): TaskFinishedEvent & Parameters<Required<Observer>['onPosted']>[0] => {
  const event = { name, task: { id }, runner: { name: 'r' }, priority: 'user-visible', outcome: 'succeeded', hasStarted: true }
  return event as unknown as ReturnType<typeof taskCalled>
}

describe('a trace', () => {
  test('each task is a slice on a lane of its runner: a slot for each that runs at the same time', async () => {
    const trace = await traceOf(album)
    expect(drawn(trace)).toEqual([
      'io (slot 2): fetch b 0-20',
      'io: fetch a 0-20',
      'io: fetch c 20-40',
      'ui: click 0-5',
      'ui: show a 20-20',
      'ui: show b 20-20',
      'ui: show c 40-40',
    ])
    expect(validateTrace(trace)).toEqual([])
  })

  test('the code of Chrome DevTools opens it: every lane, an arrow from every post to its run and every task to its reply', async () => {
    const trace = await traceOf(album)
    const view = await openInDevTools(trace.traceEvents)
    expect(view.isGeneric).toBe(true)
    expect(view.lanes).toEqual(['outside of tasks', 'ui', 'io', 'io (slot 2)'])
    expect(view.arrows.toSorted()).toEqual(
      [
        'post click > click',
        ...['a', 'b', 'c'].flatMap((photo) => [`post fetch ${photo} > fetch ${photo}`, `reply show ${photo} > show ${photo}`]),
      ].toSorted(),
    )
  })

  test('a post is marked on the lane of the task that makes it, or outside', async () => {
    const trace = await traceOf(album)
    const lanes = laneNames(trace)
    const marks = slices(trace).filter(({ args }) => args === undefined)
    expect(marks.map(({ name, tid }) => `${lanes.get(tid)}: ${name}`).toSorted()).toEqual([
      'io (slot 2): reply show b',
      'io: reply show a',
      'io: reply show c',
      'outside of tasks: post click',
      'ui: post fetch a',
      'ui: post fetch b',
      'ui: post fetch c',
    ])
  })

  test('waits and queue depths are there, numbers on a lane of their own', async () => {
    const { traceEvents } = await traceOf(album)
    const waits = traceEvents.filter(({ ph, name }) => ph !== 'X' && name === 'wait fetch c')
    expect(waits.map(({ ph, ts }) => [ph, Math.round(ts / 1000)])).toEqual([
      ['b', 0],
      ['e', 20],
    ])
    const depths = traceEvents.filter(({ ph, name }) => ph === 'C' && name === 'queue of io').map(({ args }) => args?.['waiting'])
    expect(Math.max(...(depths as number[]))).toBe(3)
    expect(depths.at(-1)).toBe(0)
  })

  test('outcomes, errors, the place of the post: what is to know of a task is with it', async () => {
    const trace = await traceOf(
      async (pool, env) => {
        const runner = new SequencedTaskRunner(pool, { name: 'r', queueLimit: 2 })
        function postBad() {
          runner.postTask(() => Promise.reject(new TypeError('bad')), { name: 'fails', priority: 'best-effort' })
        }
        postBad()
        runner.postTask(() => {}, { name: 'dropped' }).cancel('changed my mind')
        runner.postTask((context) => context.sleep(1000), { name: 'goes on' })
        await env.advanceBy(10)
      },
      { traceOrigin: true },
    )
    const argsOf = (name: string) => trace.traceEvents.find((event) => event.name === name && event.args !== undefined)?.args
    expect(argsOf('fails')).toMatchObject({
      runner: 'r',
      priority: 'best-effort',
      outcome: 'failed',
      error: 'TypeError: bad',
      posted_from: { function: 'postBad', file: expect.stringContaining('trace.test.ts'), line: expect.any(Number) },
    })
    expect(argsOf('wait dropped')).toMatchObject({ outcome: 'cancelled', error: 'changed my mind' })
    expect(argsOf('goes on')).toMatchObject({ outcome: 'unfinished' })
    expect(drawn(trace)).toContain('r: goes on 0-10')
    expect(validateTrace(trace)).toEqual([])
  })

  test('the lanes of a runner are together, whatever started in between', async () => {
    const trace = await traceOf(async (pool, env) => {
      const io = new ParallelTaskRunner(pool, { name: 'io', maxConcurrency: 2 })
      io.postTask((task) => task.sleep(20))
      new SequencedTaskRunner(pool, { name: 'ui' }).postTask(() => {})
      await env.advanceBy(5)
      io.postTask((task) => task.sleep(20))
      await env.advanceBy(50)
    })
    const indexes = trace.traceEvents.filter(({ name }) => name === 'thread_sort_index').map(({ args }) => args?.['sort_index'])
    expect([...laneNames(trace).values()]).toEqual(['outside of tasks', 'io', 'io (slot 2)', 'ui'])
    expect(indexes).toEqual([1, 2, 3, 4])
  })

  test('several pools are several processes, and no tid is used twice', async () => {
    await using env = createTestEnvironment()
    const pools = ['cpu', 'io'].map((name) => new ThreadPool({ executor: env.createExecutor(), name }))
    using recorder = new TraceRecorder(pools, { now: () => env.clock.now() })
    const [cpu, io] = pools.map((pool) => new SequencedTaskRunner(pool, { name: 'r' }))
    cpu?.postTask(() => io?.postTask(() => {}, { name: 'b' }), { name: 'a' })
    await env.runUntilIdle()
    const trace = recorder.trace()
    const names = trace.traceEvents.filter(({ name }) => name === 'process_name').map(({ args }) => args?.['name'])
    expect(names).toEqual(['pool cpu', 'pool io'])
    expect(validateTrace(trace)).toEqual([])
    expect((await openInDevTools(trace.traceEvents)).arrows).toEqual(['post a > a', 'post b > b'])
    for (const pool of pools) await pool.close()
  })

  test('tasks beyond maxTasks are counted, and nothing is recorded after the end', async () => {
    const trace = await traceOf(
      async (pool, env) => {
        const runner = new SequencedTaskRunner(pool)
        for (let n = 0; n < 10; n++) runner.postTask(() => {}, { name: `t${n}` })
        await env.runUntilIdle()
      },
      { maxTasks: 4 },
    )
    expect(drawn(trace)).toHaveLength(4)
    expect(trace.otherData).toMatchObject({ droppedTasks: 6 })
    expect(validateTrace(trace)).toEqual([])
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor() })
    const recorder = new TraceRecorder([pool])
    recorder[Symbol.dispose]()
    new SequencedTaskRunner(pool).postTask(() => {})
    await env.runUntilIdle()
    expect(drawn(recorder.trace())).toEqual([])
    await pool.close()
  })

  test('what waits or runs when the recording begins is there from then on, without the arrow of its post', async () => {
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main' })
    const runner = new SequencedTaskRunner(pool, { name: 'r' })
    const runs = async (): Promise<void> => {
      runner.postTask((task) => task.sleep(10), { name: 'runs' })
      runner.postTask((task) => task.sleep(10), { name: 'waits' })
      await env.advanceBy(5)
    }
    await runs()
    using recorder = new TraceRecorder([pool], { now: () => env.clock.now() })
    runner.postTask(() => {}, { name: 'posted later' })
    await env.advanceBy(20)
    const trace = recorder.trace()
    expect(drawn(trace)).toEqual(['r: posted later 15-15', 'r: runs 0-5', 'r: waits 5-15'])
    expect(slices(trace).filter(({ name }) => name.startsWith('post '))).toHaveLength(1)
    expect(validateTrace(trace)).toEqual([])
    expect((await openInDevTools(trace.traceEvents)).arrows).toEqual(['post posted later > posted later'])
    await runs()
    using full = new TraceRecorder([pool], { now: () => env.clock.now(), maxTasks: 1 })
    await env.advanceBy(20)
    expect(drawn(full.trace())).toEqual(['r: runs 0-5'])
    expect(full.droppedTasks).toBe(1)
    await pool.close()
  })

  test('a task that is cancelled while it is delayed waited for nothing', async () => {
    const trace = await traceOf(async (pool, env) => {
      const runner = new SequencedTaskRunner(pool, { name: 'r' })
      runner.postDelayedTask(() => {}, 100).cancel()
      await env.advanceBy(10)
    })
    expect(trace.traceEvents.filter(({ ph }) => ph === 'b')).toEqual([])
  })

  test('a clock that counts from 1970 is fine, threads included', async () => {
    let now = 1.7e12
    const { recorder, tell } = recorderToldOf(() => now)
    const event = { ...taskCalled('decode', 1), thread: 3 }
    tell.onPosted(event)
    tell.onStarted(event as never)
    now += 5
    tell.onFinished(event)
    const trace = recorder.trace()
    expect(validateTrace(trace)).toEqual([])
    expect(drawn(trace)).toEqual(['r: decode 0-5', 'thread 3: decode 0-5'])
    expect((await openInDevTools(trace.traceEvents)).arrows.toSorted()).toEqual(['decode > decode', 'post decode > decode'])
  })

  test('F5 a task that was on its way to a thread that was lost, and then given up, has not run', () => {
    const { recorder, tell } = recorderToldOf(() => 0)
    const [dropped, cancelled, kept] = ['dropped', 'cancelled', 'kept'].map((name, index) => taskCalled(name, index))
    for (const event of [dropped, cancelled, kept]) {
      tell.onPosted(event as never)
      tell.onStarted(event as never)
    }
    tell.onRejected({ ...dropped, reason: 'shutdown', error: new Error('shut down') } as never)
    tell.onFinished({ ...cancelled, hasStarted: false, outcome: 'cancelled' } as never)
    tell.onStarted(kept as never)
    tell.onFinished(kept as never)
    const trace = recorder.trace()
    expect(drawn(trace)).toEqual(['r: kept 0-0'])
    const waits = trace.traceEvents.filter(({ ph, args }) => ph === 'b' && args?.['outcome'] !== undefined)
    expect(waits.map(({ name, args }) => [name, args?.['outcome']])).toEqual([
      ['wait dropped', 'shutdown'],
      ['wait cancelled', 'cancelled'],
    ])
    expect(validateTrace(trace)).toEqual([])
  })

  test('an error that throws when it is read is an error all the same', async () => {
    const unreadable = Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('expected')
      },
    })
    const trace = await traceOf(async (pool, env) => {
      new SequencedTaskRunner(pool, { name: 'r' }).postTask(() => Promise.reject(unreadable), { name: 'fails' })
      await env.advanceBy(10)
    })
    expect(trace.traceEvents.find(({ ph, name }) => ph === 'X' && name === 'fails')?.args).toMatchObject({
      outcome: 'failed',
      error: 'an error that cannot be read',
    })
  })

  test('a file is JSON for DevTools, or a page where its name ends in .html', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trace-'))
    await using env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main' })
    using recorder = new TraceRecorder([pool], { now: () => env.clock.now() })
    await album(pool, env)
    await recorder.writeTrace(join(folder, 'trace.json'))
    await recorder.writeTrace(join(folder, 'trace.html'))
    const trace = JSON.parse(await readFile(join(folder, 'trace.json'), 'utf8')) as Trace
    const page = await readFile(join(folder, 'trace.html'), 'utf8')
    await rm(folder, { recursive: true })
    expect(trace).toEqual(recorder.trace())
    expect(page).toBe(traceToHtml(trace))
    await pool.close()
  })
})

describe('the validator', () => {
  const slice = (event: Partial<TraceEvent>): TraceEvent => ({
    ph: 'X',
    name: 'x',
    cat: 'c',
    pid: 1,
    tid: 1,
    ts: 0,
    dur: 10,
    ...event,
  })
  const lane = (pid: number, tid: number): TraceEvent => ({
    ph: 'M',
    name: 'thread_name',
    pid,
    tid,
    ts: 0,
    args: { name: `${pid}/${tid}` },
  })
  const problems = (...events: TraceEvent[]) =>
    validateTrace({ traceEvents: [lane(1, 1), lane(1, 2), ...events], displayTimeUnit: 'ms', otherData: {} })

  test.each<[string, TraceEvent[], RegExp]>([
    ['a slice without a duration', [{ ph: 'X', name: 'x', pid: 1, tid: 1, ts: 0 }], /slice without a duration/],
    ['a time that is not one', [slice({ ts: Number.NaN })], /needs a time/],
    ['a tid that is not whole', [slice({ tid: 1.5 })], /whole numbers/],
    ['a counter of words', [{ ph: 'C', name: 'c', pid: 1, tid: 0, ts: 0, args: { depth: '3' } }], /counter without numbers/],
    ['slices that overlap', [slice({}), slice({ ts: 5 })], /overlaps/],
    ['a lane without a name', [slice({ tid: 9 })], /lane 1\/9 has no name/],
    ['a tid in two processes', [slice({}), lane(2, 1), slice({ pid: 2 })], /two processes/],
    ['an arrow with one end', [slice({}), slice({ ph: 's', id: 1 })], /one end only/],
    ['an arrow in the air', [slice({}), slice({ ph: 's', id: 1 }), slice({ ph: 'f', id: 1, ts: 3 })], /touches no slice/],
    [
      'an arrow back in time',
      [slice({}), slice({ ts: 20 }), slice({ ph: 's', id: 1, ts: 20 }), slice({ ph: 'f', id: 1 })],
      /forward/,
    ],
    ['an arrow whose id is text', [slice({}), slice({ ph: 's', id: 'a' })], /id is no whole number/],
    ['a wait without an end', [slice({ ph: 'b', id: 1 })], /wait c 1 has no/],
    ['a wait that ends first', [slice({ ph: 'e', id: 1 }), slice({ ph: 'b', id: 1, ts: 5 })], /wait c 1 has no/],
  ])('it finds %s', (_what, events, problem) => {
    expect(problems(...events).join('\n')).toMatch(problem)
  })

  test('slices within each other, apart and one after the other are fine', () => {
    expect(problems(slice({}), slice({ ts: 2, dur: 3 }), slice({ ts: 10 }), slice({ tid: 2, ts: 5 }))).toEqual([])
  })
})
