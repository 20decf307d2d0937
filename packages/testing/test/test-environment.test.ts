import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { createTestEnvironment, LeakError, LivelockError, ReentrantAdvanceError, TaskLimitError } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

describe('order and boundaries', () => {
  test('D1 advanceBy is inclusive: work at exactly the end, and what it posts there, has run', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    runner.postDelayedTask(() => {
      seen.push(`due ${env.clock.now()}`)
      runner.postTask(() => void seen.push(`posted ${env.clock.now()}`))
      runner.postDelayedTask(() => void seen.push('later'), 1)
    }, 10)
    await env.advanceBy(9)
    expect(seen).toEqual([])
    await env.advanceBy(1)
    expect(seen).toEqual(['due 10', 'posted 10'])
    await env.advanceTo(11)
    expect(seen).toEqual(['due 10', 'posted 10', 'later'])
  })

  test('D1 equal due times keep posting order across runners', async () => {
    await using env = createTestEnvironment()
    const [a, b] = [new SequencedTaskRunner(env.pool), new SequencedTaskRunner(env.pool)]
    const seen: number[] = []
    for (const [index, runner] of [b, a, a, b, a].entries()) runner.postDelayedTask(() => void seen.push(index), 5)
    await env.advanceBy(5)
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(seen.indexOf(0)).toBeLessThan(seen.indexOf(3))
    expect(seen.indexOf(1)).toBeLessThan(seen.indexOf(2))
  })

  test('S2 a sleeping task holds its sequence while another sequence goes on', async () => {
    await using env = createTestEnvironment()
    const [a, b] = [new SequencedTaskRunner(env.pool), new SequencedTaskRunner(env.pool)]
    const seen: string[] = []
    a.postTask(async (context) => {
      seen.push(`a1 ${env.clock.now()}`)
      await context.sleep(10)
      seen.push(`a1 end ${env.clock.now()}`)
    })
    a.postTask(() => void seen.push(`a2 ${env.clock.now()}`))
    b.postTask(() => void seen.push(`b1 ${env.clock.now()}`))
    await env.runUntilIdle()
    expect(seen).toEqual(['a1 0', 'b1 0'])
    await env.advanceBy(10)
    expect(seen).toEqual(['a1 0', 'b1 0', 'a1 end 10', 'a2 10'])
  })

  test('P1 a parallel runner fills its slots and no more', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    const started: number[] = []
    for (const task of [1, 2, 3]) {
      runner.postTask(async (context) => {
        started.push(task)
        await context.sleep(10)
      })
    }
    await env.runUntilIdle()
    expect(started).toEqual([1, 2])
    await env.advanceBy(10)
    expect(started).toEqual([1, 2, 3])
    await env.advanceBy(10)
    expect(env.isIdle()).toBe(true)
  })

  test('jumpBy lets time pass and runs nothing; what fell due runs late and in order', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    runner.postDelayedTask(() => void seen.push(`b ${env.clock.now()}`), 20)
    runner.postDelayedTask(() => void seen.push(`a ${env.clock.now()}`), 10)
    env.jumpBy(100)
    expect(seen).toEqual([])
    await env.runUntilIdle()
    expect(seen).toEqual(['a 100', 'b 100'])
  })

  test('the wall clock may jump without a timer falling due', async () => {
    await using env = createTestEnvironment({ epoch: Date.UTC(2030, 0, 1) })
    const runner = new SequencedTaskRunner(env.pool)
    let ran = false
    runner.postDelayedTask(() => void (ran = true), 10)
    env.clock.shiftWallClock(3_600_000)
    await env.runUntilIdle()
    expect(ran).toBe(false)
    expect(env.clock.now()).toBe(0)
    expect(env.clock.wallNow()).toBe(Date.UTC(2030, 0, 1, 1))
    await env.advanceBy(10)
    expect(ran).toBe(true)
  })
})

describe('driving', () => {
  test('runNext runs one start or continuation and moves the clock only when nothing is ready', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
    const seen: string[] = []
    const task = async (context: { sleep(ms: number): Promise<void> }): Promise<void> => {
      seen.push('start')
      await context.sleep(5)
      seen.push('end')
    }
    runner.postTask(task, { name: 'one' })
    runner.postDelayedTask(() => void seen.push('two'), 7, { name: 'two' })
    expect(await env.runNext()).toMatchObject({ name: 'one', runner: 'r' })
    expect([seen.join(), env.clock.now()]).toEqual(['start', 0])
    await env.runNext()
    expect([seen.join(), env.clock.now()]).toEqual(['start,end', 5])
    expect(await env.runNext()).toMatchObject({ name: 'two' })
    expect([seen.join(), env.clock.now()]).toEqual(['start,end,two', 7])
    expect(await env.runNext()).toBeUndefined()
  })

  test('fastForwardUntilNoTasksRemain stops with the last foreground task; repeating ones tick on the way', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    let ticks = 0
    const repeating = runner.postRepeatingTask(() => void ticks++, 10)
    runner.postDelayedTask(() => {}, 35)
    await env.fastForwardUntilNoTasksRemain()
    expect([ticks, env.clock.now()]).toEqual([3, 35])
    repeating.stop()
    await env[Symbol.asyncDispose]()
  })

  test('fastForwardUntilNoTasksRemain names the chain that never ends', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'poller' })
    const poll = (): void => void runner.postDelayedTask(poll, 10, { name: 'poll' })
    poll()
    const outcome = env.fastForwardUntilNoTasksRemain({ maxTasks: 50 })
    await expect(outcome).rejects.toThrow(TaskLimitError)
    await expect(outcome).rejects.toThrow(/poller\/poll x/)
    await env.discard()
  })

  test('a task that posts itself without a delay is a livelock, by name', async () => {
    const env = createTestEnvironment({ maxTasksPerInstant: 200 })
    const runner = new SequencedTaskRunner(env.pool, { name: 'p' })
    const spin = (): void => void runner.postTask(spin, { name: 'spin' })
    spin()
    const outcome = env.advanceBy(1)
    await expect(outcome).rejects.toThrow(LivelockError)
    await expect(outcome).rejects.toThrow(/p\/spin x\d+/)
    await env.pool.terminate()
  })

  test('driving from inside a task, or twice at once, is refused', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const inner = runner.run(() => env.advanceBy(5))
    inner.catch(() => {})
    const first = env.advanceBy(10)
    await expect(env.advanceBy(10)).rejects.toThrow(ReentrantAdvanceError)
    await first
    await expect(inner).rejects.toThrow(ReentrantAdvanceError)
  })

  test('D2 times that are no finite numbers are refused', async () => {
    await using env = createTestEnvironment()
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number]) {
      await expect(env.advanceBy(ms)).rejects.toThrow(RangeError)
    }
    await expect(env.advanceTo(-1)).rejects.toThrow(RangeError)
    expect(() => env.jumpBy(-1)).toThrow(RangeError)
  })
})

describe('looking', () => {
  test('pendingTasks tells state, due time, waits and the place of the post', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'db' })
    runner.postTask((context) => context.sleep(10), { name: 'busy' })
    runner.postTask(() => {}, { name: 'behind' })
    runner.postDelayedTask(() => {}, 30, { name: 'late' })
    const repeating = runner.postRepeatingTask(() => {}, 50, { name: 'tick' })
    await env.runUntilIdle()
    expect(env.pendingTasks()).toMatchObject([
      { name: 'busy', runner: 'db', state: 'running', waits: ['sleep 10 ms'], foreign: false },
      { name: 'behind', state: 'queued' },
      { name: 'late', state: 'delayed', due: 30 },
      { name: 'tick', state: 'delayed', due: 50, every: 50 },
    ])
    for (const { postedAt } of env.pendingTasks()) expect(postedAt).toMatch(/^test-environment\.test\.ts:\d+:\d+$/)
    expect(env.nextDeadline()).toBe(10)
    expect(env.isIdle()).toBe(false)
    repeating.stop()
    await env.fastForwardUntilNoTasksRemain()
    expect(env.nextDeadline()).toBeUndefined()
    await env[Symbol.asyncDispose]()
  })

  test('timeline is the same text for the same run', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'images' })
    runner.postTask((context) => context.sleep(10), { name: 'resize' })
    runner.postTask(() => {}, { name: 'store' })
    await env.advanceBy(20)
    expect(env.timeline()).toMatchInlineSnapshot(`
      "t=0   images/resize  start
      t=10  images/resize  after sleep 10 ms
      t=10  images/resize  end
      t=10  images/store  start
      t=10  images/store  end"
    `)
  })

  test('verify names what is left over, and where it was posted', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { name: 'db' })
    runner.postDelayedTask(() => {}, 1000, { name: 'forgotten' })
    runner.postDelayedTask(() => {}, 1000, { name: 'background', unref: true })
    await env.runUntilIdle()
    expect(() => env.verify()).toThrow(LeakError)
    expect(() => env.verify()).toThrow(/1 task\(s\)[\s\S]*db\/forgotten: delayed until t=1000 {2}\(test-environment\.test\.ts:/)
    env.verify({ allow: ({ name }) => name === 'forgotten' })
    await env.discard()
    env.verify()
  })

  test('F2 a failure that nobody waited for is thrown by verify', async () => {
    const env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    runner.postTask(() => {
      throw new Error('nobody looks')
    })
    await env.runUntilIdle()
    expect(() => env.verify()).toThrow('nobody looks')
    await env.discard()
  })
})

describe('foreign thenables', () => {
  const thenable = (then: (resolve: (value: unknown) => void) => void): PromiseLike<unknown> =>
    // oxlint-disable-next-line unicorn/no-thenable -- a foreign thenable is what this is about
    Object.defineProperty({}, 'then', { value: then }) as PromiseLike<unknown>

  /** Runs each time that its `then` is called, as a query does. */
  const lazyQuery = () => {
    let runs = 0
    const then = (resolve: (value: unknown) => void): void => void Promise.resolve(++runs).then(resolve)
    // oxlint-disable-next-line unicorn/no-thenable -- as above
    return { query: thenable(then), promise: Object.defineProperty(new Promise<unknown>(() => {}), 'then', { value: then }) }
  }

  test.for(['query', 'promise'] as const)('F1 the then of a lazy %s is called once', async (kind) => {
    await using env = createTestEnvironment()
    const { [kind]: query } = lazyQuery()
    const results = Promise.all([new SequencedTaskRunner(env.pool).run(() => query), env.external(lazyQuery()[kind])])
    await env.runUntilIdle()
    expect(await results).toEqual([1, 1])
    expect(env.isIdle()).toBe(true)
  })

  test('F1 a then that throws, when it is called or read, is a failure, and nothing is left over', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const error = new Error('expected')
    const fail = (): never => {
      throw error
    }
    // oxlint-disable-next-line unicorn/no-thenable -- as above
    const unreadable = Object.defineProperty({}, 'then', { get: fail })
    const outcomes = Promise.allSettled([
      runner.run(() => thenable(fail)),
      runner.run(() => unreadable),
      env.external(thenable(fail)),
    ])
    await env.runUntilIdle()
    expect((await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual([error, error, error])
    env.verify()
  })
})
