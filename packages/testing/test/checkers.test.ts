import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { checkLinearizable, checkSequenced, History, models, type Operation, RecordingObserver } from '@posttask/testing'
import { expect, test } from '@posttask/testing/vitest'
import { describe } from 'vitest'

let time = 0
const op = (client: string, method: string, args: unknown[], result: unknown, called = time++, returned = time++): Operation => ({
  client,
  method,
  args,
  result,
  called,
  returned,
})

describe('linearizability', () => {
  test('overlapping calls may take effect in either order', () => {
    const history = [op('w', 'set', [1], undefined, 0, 3), op('r', 'get', [], null, 1, 2), op('r', 'get', [], 1, 4, 5)]
    expect(history).toBeLinearizable(models.register())
  })

  test('a stale read after a newer value was seen is found, with the calls that do not fit', () => {
    const history = [op('w', 'set', [1], undefined, 0, 1), op('r1', 'get', [], 1, 2, 3), op('r2', 'get', [], null, 4, 5)]
    const outcome = checkLinearizable(history, models.register())
    expect(outcome).toMatchObject({ ok: false, longestPrefix: history.slice(0, 2), stuckOn: [history[2]] })
    expect(!outcome.ok && outcome.message).toContain('r2.get()=null [4,5]')
  })

  test('a call that did not return may have happened or not', () => {
    const open: Operation = { client: 'w', method: 'set', args: [1], called: 0, returned: Number.POSITIVE_INFINITY }
    for (const seen of [null, 1]) expect([open, op('r', 'get', [], seen, 1, 2)]).toBeLinearizable(models.register())
    expect([open, op('r', 'get', [], 2, 1, 2)]).not.toBeLinearizable(models.register())
  })

  test.for([
    [
      'keyValue',
      models.keyValue(),
      [
        ['set', ['a', 1], undefined],
        ['get', ['a'], 1],
        ['get', ['b'], null],
        ['delete', ['a'], true],
        ['has', ['a'], false],
      ],
      ['get', ['a'], 1],
    ],
    [
      'counter',
      models.counter(),
      [
        ['increment', [], 1],
        ['increment', [2], 3],
        ['decrement', [], 2],
        ['get', [], 2],
      ],
      ['increment', [], 1],
    ],
    [
      'queue',
      models.queue(),
      [
        ['enqueue', [1], undefined],
        ['enqueue', [2], undefined],
        ['dequeue', [], 1],
        ['dequeue', [], 2],
      ],
      ['dequeue', [], 2],
    ],
    [
      'mutex',
      models.mutex(),
      [
        ['lock', [], true],
        ['lock', [], false],
        ['unlock', [], true],
        ['unlock', [], false],
      ],
      ['unlock', [], true],
    ],
    [
      'set',
      models.set(),
      [
        ['add', [1], true],
        ['add', [1], false],
        ['remove', [1], true],
        ['has', [1], false],
      ],
      ['has', [1], true],
    ],
    [
      'register',
      models.register(0),
      [
        ['compareAndSet', [0, 5], true],
        ['compareAndSet', [0, 6], false],
        ['get', [], 5],
      ],
      ['get', [], 6],
    ],
  ] as const)('the %s model takes what is right and refuses what is wrong', ([, model, right, wrong]) => {
    const history = right.map(([method, args, result]) => op('c', method, [...args], result))
    expect(history).toBeLinearizable<never>(model as never)
    expect([...history, op('c', wrong[0], [...wrong[1]], wrong[2])]).not.toBeLinearizable<never>(model as never)
  })

  test('a history notes calls, results and failures of a real object', async () => {
    const history = new History()
    const api = history.record('c', {
      get: async () => 1,
      fail: async () => {
        throw new Error('no')
      },
    })
    expect(await api.get()).toBe(1)
    await expect(api.fail()).rejects.toThrow('no')
    expect(history.operations).toMatchObject([
      { method: 'get', result: 1, called: 0, returned: 1 },
      { method: 'fail', failed: true, returned: Number.POSITIVE_INFINITY },
    ])
  })
})

describe('recording', () => {
  test('S1 S2 what a sequence does passes, what a parallel runner does is refused', async ({ env }) => {
    const observer = new RecordingObserver()
    env.pool.addObserver(observer)
    const sequence = new SequencedTaskRunner(env.pool, { name: 's' })
    for (const name of ['a', 'b', 'c']) sequence.postTask((context) => context.sleep(1), { name })
    await env.advanceBy(5)
    expect(observer).toHaveRunInOrder('a', 'b', 'c')
    expect(checkSequenced(observer.events)).toEqual({ ok: true })
    observer.clear()
    const parallel = new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'p' })
    for (const name of ['a', 'b']) parallel.postTask((context) => context.sleep(1), { name })
    await env.advanceBy(5)
    expect(checkSequenced(observer.events)).toEqual({ ok: false, message: 'p/b started while a was running' })
    expect(String(observer)).toContain('p/a finished succeeded')
  })

  test('S1 a start out of order is refused', () => {
    const event = (kind: 'posted' | 'started' | 'finished', id: number) => ({ kind, id, task: `t${id}`, runner: 'r' })
    expect(checkSequenced([event('posted', 1), event('posted', 2), event('started', 2)])).toMatchObject({ ok: false })
  })
})

describe('matchers', () => {
  test('look at the environment, and say what is pending when they fail', async ({ env }) => {
    expect(env).toBeIdle()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    runner.postDelayedTask(() => {}, 10, { name: 'later' })
    expect(env).toHavePendingTask('later', { due: 10, runner: 'r' })
    expect(env).not.toHavePendingTask('later', { due: 11 })
    expect(() => expect(env).toBeIdle()).toThrow(/to be idle[\s\S]*r\/later: delayed until t=10/)
    await env.advanceBy(10)
    expect(env).toHaveAdvancedTo(10)
    expect(env).toBeIdle()
  })
})
