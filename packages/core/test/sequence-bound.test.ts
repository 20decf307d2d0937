import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  ParallelTaskRunner,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { describe, expect, test } from 'vitest'
import type { Counter } from './fixtures/counter.js'
import { deferred } from './fixtures/deferred.ts'

const counters = taskModule<typeof import('./fixtures/counter.js')>(new URL('./fixtures/counter.js', import.meta.url))

class Log {
  readonly entries: string[]
  constructor(entries: string[]) {
    this.entries = entries
    entries.push('new')
  }
  async add(entry: string): Promise<number> {
    await new Promise(setImmediate)
    return this.entries.push(entry)
  }
  [Symbol.dispose](): void {
    this.entries.push('disposed')
  }
}

describe('on this event loop', () => {
  test('S1 S2 calls queue behind the construction, run one at a time, and disposal comes behind them', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const entries: string[] = []
    const log = SequenceBound.create(new SequencedTaskRunner(pool), Log, entries)
    const calls = [log.call.add('one'), log.call.add('two'), log.post((object) => object.entries.length)]
    const disposed = log[Symbol.asyncDispose]()
    expect(entries).toEqual([])
    expect(await Promise.all(calls)).toEqual([2, 3, 3])
    await disposed
    expect(entries).toEqual(['new', 'one', 'two', 'disposed'])
    await expect(log.call.add('three')).rejects.toThrow('its method add cannot')
    await expect(log.post((object) => object.entries.push('four'))).rejects.toThrow('disposed of; post() cannot')
    expect(entries).toHaveLength(4)
  })

  test.each(['reject', 'drop-newest'] as const)('Q1 a disposal that %s refuses may be tried again', async (onFull) => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool, { queueLimit: 1, onFull })
    const entries: string[] = []
    const log = SequenceBound.create(runner, Log, entries)
    await runner.waitIdle()
    const gate = deferred()
    const started = deferred()
    runner.postTask(() => {
      started.resolve()
      return gate.promise
    })
    await started.promise
    const last = log.call.add('last')
    await expect(log[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
    gate.resolve()
    await last
    await log[Symbol.asyncDispose]()
    await log[Symbol.asyncDispose]()
    expect(entries).toEqual(['new', 'last', 'disposed'])
  })

  test('W3 a disposal that would wait for the task that asks for it may be tried again', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const entries: string[] = []
    const log = SequenceBound.create(runner, Log, entries)
    await expect(runner.run(() => log[Symbol.asyncDispose]())).rejects.toMatchObject({ code: 'ERR_SEQUENCE_DEADLOCK' })
    await log[Symbol.asyncDispose]()
    expect(entries).toEqual(['new', 'disposed'])
  })

  test('F1 a disposal that fails is not run again', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    let disposals = 0
    class Stubborn {
      [Symbol.dispose](): void {
        throw new Error(`expected ${++disposals}`)
      }
    }
    const stubborn = SequenceBound.create(new SequencedTaskRunner(pool), Stubborn)
    await expect(stubborn[Symbol.asyncDispose]()).rejects.toThrow('expected 1')
    await expect(stubborn[Symbol.asyncDispose]()).rejects.toThrow('expected 1')
  })

  test('F1 where the constructor throws every call rejects with that error, and disposal does nothing', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const expected = new RangeError('expected')
    class Broken {
      constructor() {
        throw expected
      }
      use(): number {
        return 1
      }
    }
    const broken = SequenceBound.create(new SequencedTaskRunner(pool), Broken)
    await expect(broken.call.use()).rejects.toBe(expected)
    await broken[Symbol.asyncDispose]()
  })

  test('F6 a runner whose tasks overlap is refused', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    expect(() => SequenceBound.create(new ParallelTaskRunner(pool, { maxConcurrency: 2 }), Log, [])).toThrow(TypeError)
  })
})

describe.each([
  ['piscina', () => piscinaExecutor({ maxThreads: 1 })],
  ['tinypool', () => tinypoolExecutor({ maxThreads: 1 })],
] as const)('in a thread of %s', (_name, makeExecutor) => {
  test('S4 an object lives in the thread of its runner, and is disposed of there', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor() })
    const runner = new SingleThreadTaskRunner(pool)
    const counter = SequenceBound.create<Counter, [number]>(runner, counters.Counter, 5)
    expect(await Promise.all([counter.call.add(2), counter.call.add(3)])).toEqual([7, 10])
    expect(() => counter.post(() => 1)).toThrow(TypeError)
    await counter[Symbol.asyncDispose]()
    expect(await runner.run(counters.disposedAt())).toBe(10)
  })

  test('S4 when its thread was lost every call fails and says so', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor() })
    const runner = new SingleThreadTaskRunner(pool, { onThreadLost: 'restart' })
    const counter = SequenceBound.create<Counter, [number]>(runner, counters.Counter, 5)
    expect(await counter.call.add(1)).toBe(6)
    await expect(runner.run(counters.exit(3))).rejects.toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 3 })
    await expect(counter.call.add(1)).rejects.toThrow('thread that it lived on was lost')
  })

  test('F6 a sequence whose tasks may change threads is refused', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor() })
    expect(() => SequenceBound.create(new SequencedTaskRunner(pool), counters.Counter, 5)).toThrow(TypeError)
  })
})
