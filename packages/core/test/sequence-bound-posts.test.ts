import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import {
  type BoundTask,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskErrorEvent,
  type TaskRejectedEvent,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { describe, expect, test } from 'vitest'
import type { Counter } from './fixtures/counter.js'

const counters = taskModule<typeof import('./fixtures/counter.js')>(new URL('./fixtures/counter.js', import.meta.url))

class Log {
  readonly entries: string[] = []
  async add(entry: string): Promise<number> {
    await new Promise(setImmediate)
    return this.entries.push(entry)
  }
  fail(): never {
    throw new RangeError('expected')
  }
  read(): string {
    return this.entries.join(' ')
  }
}

const quietPool = () => {
  const failed: TaskErrorEvent[] = []
  const refused: TaskRejectedEvent[] = []
  const pool = new ThreadPool({
    executor: inlineExecutor(),
    onTaskError: (event) => void failed.push(event),
    onTaskRejected: (event) => void refused.push(event),
  })
  return { pool, failed, refused }
}

describe('postCall', () => {
  test('S1 S2 a call that is handed over runs in order with the others, behind the construction', async () => {
    const { pool } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    const handle = log.postCall.add('one')
    expect([handle.name, handle.state]).toEqual(['Log.add', 'queued'])
    log.postCall.add('two')
    expect(await log.call.read()).toBe('one two')
    expect(handle.state).toBe('succeeded')
    await pool.close()
  })

  test('F2 its failure goes to onTaskError, and to nobody else', async () => {
    const { pool, failed } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    log.postCall.fail()
    await pool.close()
    expect(failed).toMatchObject([{ name: 'Log.fail', error: { message: 'expected' } }])
  })

  test('F2 if the constructor threw, the hook hears that error', async () => {
    const { pool, failed } = quietPool()
    const expected = new Error('expected')
    class Broken {
      constructor() {
        throw expected
      }
      use(): void {}
    }
    const broken = SequenceBound.create(new SequencedTaskRunner(pool), Broken)
    broken.postCall.use()
    await pool.close()
    expect(failed).toMatchObject([{ name: 'Broken.use', error: expected }])
  })

  test('C1 the handle cancels it', async () => {
    const { pool } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    expect(log.postCall.add('never').cancel()).toBe(true)
    expect(await log.call.read()).toBe('')
    await pool.close()
  })

  test('W7 on a closed runner it is refused and reported', async () => {
    const { pool, refused } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    await pool.close()
    expect(log.postCall.add('late').state).toBe('rejected')
    expect(refused).toMatchObject([{ name: 'Log.add', reason: 'runner-closed' }])
  })

  test('F6 on an object that was disposed of it throws', async () => {
    const { pool } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    await log[Symbol.asyncDispose]()
    expect(() => log.postCall.add('late')).toThrow(TypeError)
    expect(() => log.postCallAndReply('read', [], () => {}, { replyTo: new SequencedTaskRunner(pool) })).toThrow(/disposed of/)
    await pool.close()
  })

  test('E5 traceOrigin: it was posted by its caller', async () => {
    const sites: unknown[] = []
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      traceOrigin: true,
      observer: { onPosted: ({ origin }) => void sites.push(origin?.split('\n')[0]?.trim()) },
    })
    const runner = new SequencedTaskRunner(pool)
    const calledByThis = (): SequenceBound<Log> => {
      const log = SequenceBound.create(runner, Log)
      log.postCall.add('one')
      log.postCallAndReply('read', [], () => {}, { replyTo: runner })
      return log
    }
    calledByThis()
    await runner.waitQuiescent()
    expect(sites).toHaveLength(4)
    for (const site of sites) expect(site).toMatch(/^at calledByThis /)
  })
})

describe('postCallAndReply', () => {
  test('F7 the reply runs on its own runner with the result, behind what waits there', async () => {
    const { pool } = quietPool()
    const ui = new SequencedTaskRunner(pool, { name: 'ui' })
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    const seen: unknown[] = []
    log.postCall.add('one')
    const handle = log.postCallAndReply('add', ['two'], (count, { runner }) => seen.push(count, runner.name), { replyTo: ui })
    expect(handle.name).toBe('Log.add')
    await pool.runners.at(1)?.waitIdle()
    await ui.waitQuiescent()
    expect(seen).toEqual([2, 'ui'])
    await pool.close()
  })

  test('F7 in a task the reply goes to its runner; a failure goes to onError there', async () => {
    const { pool, failed } = quietPool()
    const ui = new SequencedTaskRunner(pool, { name: 'ui' })
    const owner = new SequencedTaskRunner(pool)
    const log = SequenceBound.create(owner, Log)
    const seen: unknown[] = []
    ui.postTask(() => {
      log.postCallAndReply('read', [], (text) => seen.push(text, ui.isCurrent()))
      log.postCallAndReply('fail', [], () => seen.push('never'), { onError: (error) => seen.push((error as Error).message) })
      log.postCallAndReply('fail', [], () => seen.push('never'))
    })
    await ui.waitIdle()
    await owner.waitIdle()
    await ui.waitIdle()
    expect(seen).toEqual(['', true, 'expected'])
    expect(failed).toMatchObject([{ name: 'Log.fail' }])
    await pool.close()
  })

  test('F7 F6 without replyTo outside of a task it throws', async () => {
    const { pool } = quietPool()
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log)
    expect(() => log.postCallAndReply('read', [], () => {})).toThrow(/replyTo/)
    await pool.close()
  })
})

test('S4 in a thread calls are handed over and replied to as well', async () => {
  const failed: TaskErrorEvent[] = []
  await using here = new ThreadPool({ executor: inlineExecutor() })
  await using pool = new ThreadPool<BoundTask>({
    executor: piscinaExecutor({ maxThreads: 1 }),
    onTaskError: (event) => void failed.push(event),
  })
  const ui = new SequencedTaskRunner(here)
  const runner = new SingleThreadTaskRunner(pool)
  const counter = SequenceBound.create<Counter, [number]>(runner, counters.Counter, 5)
  counter.postCall.add(2)
  const seen: unknown[] = []
  counter.postCallAndReply('add', [3], (sum) => seen.push(sum), { replyTo: ui })
  ;(counter.postCall as unknown as { missing(): void }).missing()
  await runner.waitIdle()
  await ui.waitIdle()
  expect(seen).toEqual([10])
  expect(failed).toMatchObject([{ name: 'Counter.missing', error: { message: expect.stringContaining('no method "missing"') } }])
})
