import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskContext,
  type TaskPriority,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

const oneSlot = { executor: { maxConcurrency: 1 } }
const rank: Record<TaskPriority, number> = { 'user-blocking': 0, 'user-visible': 1, 'best-effort': 2 }
const levels = Object.keys(rank) as TaskPriority[]

describe('between runners', () => {
  test('P2 PRI-01 G-12 the ready runner with the highest priority starts first, equal ones in turn', async () => {
    await using env = createTestEnvironment(oneSlot)
    const seen: string[] = []
    const posts = { a: 'user-visible', b: 'user-blocking', c: 'user-blocking', d: 'best-effort' } as const
    for (const [name, priority] of Object.entries(posts)) {
      new SequencedTaskRunner(env.pool).postTask(() => void seen.push(name), { priority })
    }
    await env.runUntilIdle()
    expect(seen).toEqual(['b', 'c', 'a', 'd'])
  })

  test('P2 PRI-03 60 interleaved posts at each priority start grouped by priority, in posting order within it', async () => {
    await using env = createTestEnvironment(oneSlot)
    const seen: { readonly priority: TaskPriority; readonly task: number }[] = []
    for (let task = 0; task < 180; task++) {
      const priority = levels[(task * 7) % 3] as TaskPriority
      new SequencedTaskRunner(env.pool, { priority }).postTask(() => void seen.push({ priority, task }))
    }
    await env.runUntilIdle()
    expect(seen).toHaveLength(180)
    expect(seen).toEqual(seen.toSorted((a, b) => rank[a.priority] - rank[b.priority] || a.task - b.task))
  })

  test('P2 the priority of the runner is that of its tasks, unless a post says otherwise', async () => {
    await using env = createTestEnvironment(oneSlot)
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const high = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
    const seen: string[] = []
    const note = (context: TaskContext): void => void seen.push(context.priority)
    low.postTask(note)
    high.postTask(note)
    await env.runUntilIdle()
    low.postTask(note, { priority: 'user-visible' })
    await env.runUntilIdle()
    expect(seen).toEqual(['user-blocking', 'best-effort', 'user-visible'])
  })

  test('P3 an urgent task pulls the sequence in front of it along', async () => {
    await using env = createTestEnvironment(oneSlot)
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const middle = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    low.postTask(() => void seen.push('low 1'))
    low.postTask(() => void seen.push('low 2'))
    for (const task of [1, 2, 3]) middle.postTask(() => void seen.push(`middle ${task}`))
    low.postTask(() => void seen.push('urgent'), { priority: 'user-blocking' })
    low.postTask(() => void seen.push('low 3'))
    await env.runUntilIdle()
    expect(seen).toEqual(['low 1', 'low 2', 'urgent', 'middle 1', 'middle 2', 'middle 3', 'low 3'])
  })

  test('P3 the pull ends when the urgent task is cancelled', async () => {
    await using env = createTestEnvironment(oneSlot)
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const middle = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    low.postTask(() => void seen.push('low'))
    const urgent = low.postTask(() => void seen.push('urgent'), { priority: 'user-blocking' })
    middle.postTask(() => void seen.push('middle'))
    urgent.cancel()
    await env.runUntilIdle()
    expect(seen).toEqual(['middle', 'low'])
  })

  test('P3 PRI-07 UPD-01 updatePriority moves what is queued, keeps its order, and lets the running task be', async () => {
    await using env = createTestEnvironment(oneSlot)
    const a = new SequencedTaskRunner(env.pool)
    const b = new SequencedTaskRunner(env.pool)
    const gate = deferred()
    const seen: string[] = []
    a.postTask(() => gate.promise)
    await env.runUntilIdle()
    for (const task of [1, 2]) {
      a.postTask((context) => void seen.push(`a${task} ${context.priority}`))
      b.postTask((context) => void seen.push(`b${task} ${context.priority}`))
    }
    a.updatePriority('user-blocking')
    a.updatePriority('best-effort')
    b.updatePriority('user-visible')
    expect([a.stats().priority, b.stats().priority]).toEqual(['best-effort', 'user-visible'])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toEqual(['b1 user-visible', 'b2 user-visible', 'a1 best-effort', 'a2 best-effort'])
  })

  test('P3 PRI-02 downgrade and upgrade in the queue: others of the level that were there before go first', async () => {
    await using env = createTestEnvironment(oneSlot)
    const seen: string[] = []
    const [a, b, c, d] = (['user-visible', 'user-blocking', 'user-blocking', 'best-effort'] as const).map((priority, index) => {
      const runner = new SequencedTaskRunner(env.pool, { priority })
      runner.postTask(() => void seen.push('abcd'[index] as string))
      return runner
    }) as [SequencedTaskRunner, SequencedTaskRunner, SequencedTaskRunner, SequencedTaskRunner]
    b.updatePriority('best-effort')
    d.updatePriority('user-blocking')
    new SequencedTaskRunner(env.pool).updatePriority('user-blocking')
    expect([a, c].map((runner) => runner.stats().pending)).toEqual([1, 1])
    await env.runUntilIdle()
    expect(seen).toEqual(['c', 'd', 'a', 'b'])
  })

  test('P3 a task posted with a priority of its own keeps it through updatePriority', async () => {
    await using env = createTestEnvironment(oneSlot)
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
    const seen: string[] = []
    runner.postTask((context) => void seen.push(`own ${context.priority}`), { priority: 'user-visible' })
    runner.postTask((context) => void seen.push(`follows ${context.priority}`))
    runner.postDelayedTask((context) => void seen.push(`delayed ${context.priority}`), 5)
    runner.updatePriority('user-blocking')
    await env.advanceBy(5)
    expect(seen).toEqual(['follows user-blocking', 'own user-visible', 'delayed user-blocking'])
  })

  test('P2 what is no priority is refused at the call', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    expect(() => runner.postTask(() => {}, { priority: 'urgent' as never })).toThrow(TypeError)
    expect(() => runner.updatePriority('urgent' as never)).toThrow(TypeError)
    expect(() => new SequencedTaskRunner(env.pool, { priority: 5 as never })).toThrow(TypeError)
  })

  test.each([
    ['P4 PRI-04 a best-effort runner under endless urgent work starts after two spans of agingMs', 1000, 2100],
    ['P4 a shorter agingMs lifts sooner', 300, 700],
  ])('%s', async (_title, agingMs, latest) => {
    await using env = createTestEnvironment({ ...oneSlot, pool: { agingMs } })
    const urgent = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    let started: number | undefined
    for (let task = 0; task < 50; task++) urgent.postTask((context) => context.sleep(100))
    low.postTask(() => void (started = env.clock.now()))
    await env.fastForwardUntilNoTasksRemain()
    expect(started).toBeGreaterThanOrEqual(2 * agingMs)
    expect(started).toBeLessThanOrEqual(latest)
  })

  test('P4 PRI-04 with agingMs: Infinity the order is strict', async () => {
    await using env = createTestEnvironment({ ...oneSlot, pool: { agingMs: Number.POSITIVE_INFINITY } })
    const urgent = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    let started: number | undefined
    for (let task = 0; task < 50; task++) urgent.postTask((context) => context.sleep(100))
    low.postTask(() => void (started = env.clock.now()))
    await env.fastForwardUntilNoTasksRemain()
    expect(started).toBe(5000)
  })

  test('P4 what aging lifted for one task is not kept for the next', async () => {
    await using env = createTestEnvironment({ ...oneSlot, pool: { agingMs: 1000 } })
    const urgent = new SequencedTaskRunner(env.pool, { priority: 'user-blocking' })
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const starts: number[] = []
    for (let task = 0; task < 60; task++) urgent.postTask((context) => context.sleep(100))
    for (let task = 0; task < 2; task++) low.postTask(() => void starts.push(env.clock.now()))
    await env.fastForwardUntilNoTasksRemain()
    expect(starts).toHaveLength(2)
    expect((starts[1] as number) - (starts[0] as number)).toBeGreaterThanOrEqual(2000)
  })

  test('P5 POOL-02 best-effort tasks never take the last slot', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 3 } })
    const gate = deferred()
    const seen: string[] = []
    for (let task = 0; task < 5; task++) {
      new SequencedTaskRunner(env.pool, { priority: 'best-effort' }).postTask(() => {
        seen.push('low')
        return gate.promise
      })
    }
    await env.runUntilIdle()
    expect([seen.length, env.pool.stats().active]).toEqual([2, 2])
    new SequencedTaskRunner(env.pool).postTask(() => void seen.push('visible'))
    await env.runUntilIdle()
    expect(seen).toEqual(['low', 'low', 'visible'])
    gate.resolve()
    await env.runUntilIdle()
    expect(seen).toHaveLength(6)
  })

  test.each([
    ['P5 maxBestEffort sets the number', 4, 1, 1],
    ['P5 on a pool of one slot best-effort tasks may take it', 1, undefined, 1],
    ['P5 maxBestEffort may be all slots', 4, 4, 4],
  ])('%s', async (_title, maxConcurrency, maxBestEffort, expected) => {
    await using env = createTestEnvironment({ executor: { maxConcurrency }, pool: { maxBestEffort } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 10, priority: 'best-effort' })
    const gate = deferred()
    for (let task = 0; task < 10; task++) runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    expect(runner.stats().running).toBe(expected)
    gate.resolve()
    await env.runUntilIdle()
    expect(runner.stats()).toMatchObject({ running: 0, completed: 10 })
  })

  test('P5 a best-effort task that an urgent one pulls along does not wait for a best-effort slot', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 2 } })
    const gate = deferred()
    const seen: string[] = []
    new SequencedTaskRunner(env.pool, { priority: 'best-effort' }).postTask(() => gate.promise)
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    low.postTask(() => void seen.push('low'))
    await env.runUntilIdle()
    expect(seen).toEqual([])
    low.postTask(() => void seen.push('urgent'), { priority: 'user-blocking' })
    await env.runUntilIdle()
    expect(seen).toEqual(['low', 'urgent'])
    gate.resolve()
    await env.runUntilIdle()
  })

  test('P2 POOL-03 a flood of best-effort work delays an urgent task by what runs, and no more', async () => {
    await using env = createTestEnvironment({ ...oneSlot })
    const low = new ParallelTaskRunner(env.pool, { maxConcurrency: 10, priority: 'best-effort' })
    let started: number | undefined
    for (let task = 0; task < 500; task++) low.postTask((context) => context.sleep(10))
    await env.advanceBy(15)
    new SequencedTaskRunner(env.pool, { priority: 'user-blocking' }).postTask(() => void (started = env.clock.now()))
    await env.advanceBy(20)
    expect(started).toBe(20)
    await env.fastForwardUntilNoTasksRemain()
  })

  test('P2 a task that yields goes on before less urgent work, and only after the event loop had its turn', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }), turnBudgetMs: 1e6 })
    const runner = new SequencedTaskRunner(pool)
    const urgent = new SequencedTaskRunner(pool, { priority: 'user-blocking' })
    const idle = new SequencedTaskRunner(pool, { priority: 'best-effort' })
    const log: string[] = []
    await runner.run(async (context) => {
      urgent.postTask(() => log.push('urgent'))
      idle.postTask(() => log.push('idle'))
      setImmediate(() => log.push('turn'))
      await context.yield()
      log.push('yielded')
    })
    await idle.waitIdle()
    expect(log).toEqual(['urgent', 'turn', 'yielded', 'idle'])
  })

  test('P2 a fence holds what has not started, not a task that yields', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const runner = new SequencedTaskRunner(pool)
    const log: string[] = []
    const other = new SequencedTaskRunner(pool)
    await runner.run(async (context) => {
      using _fence = pool.fence()
      other.postTask(() => log.push('new'))
      await context.yield()
      log.push('yielded')
    })
    await other.waitIdle()
    expect(log).toEqual(['yielded', 'new'])
  })

  test('P2 a task that yields lets more urgent work in, its sequence still taken (S2)', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const runner = new SequencedTaskRunner(pool)
    const urgent = new SequencedTaskRunner(pool, { priority: 'user-blocking' })
    const seen: string[] = []
    runner.postTask(async (context) => {
      seen.push('1 start')
      urgent.postTask(() => void seen.push('urgent'))
      await context.yield()
      seen.push('1 end')
    })
    runner.postTask(() => void seen.push('2'))
    await runner.waitIdle()
    expect(seen).toEqual(['1 start', 'urgent', '1 end', '2'])
  })
})

describe('a parallel runner', () => {
  test('P1 POOL-01 at most maxConcurrency unsettled tasks, and that many', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 3 })
    let active = 0
    let most = 0
    for (let task = 0; task < 20; task++) {
      runner.postTask(async (context) => {
        most = Math.max(most, ++active)
        await context.sleep(1 + (task % 5))
        active--
      })
    }
    await env.fastForwardUntilNoTasksRemain()
    expect([most, active]).toEqual([3, 0])
    expect(runner.stats().completed).toBe(20)
  })

  test('P1 the slots of the executor bound it as well', async () => {
    await using env = createTestEnvironment({ executor: { maxConcurrency: 2 } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 5 })
    const gate = deferred()
    for (let task = 0; task < 5; task++) runner.postTask(() => gate.promise)
    await env.runUntilIdle()
    expect(runner.stats()).toMatchObject({ running: 2, pending: 3 })
    gate.resolve()
    await env.runUntilIdle()
  })

  test('P1 G-05 starts by priority, then in posting order', async () => {
    await using env = createTestEnvironment()
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
    const seen: string[] = []
    const posts = ['user-visible', 'best-effort', 'user-blocking', 'user-visible', 'user-blocking', 'best-effort'] as const
    for (const [index, priority] of posts.entries()) runner.postTask(() => void seen.push(`${priority} ${index}`), { priority })
    await env.runUntilIdle()
    expect(seen).toEqual([
      'user-blocking 2',
      'user-blocking 4',
      'user-visible 0',
      'user-visible 3',
      'best-effort 1',
      'best-effort 5',
    ])
  })

  test('P4 within one parallel runner the low priorities are not starved either', async () => {
    await using env = createTestEnvironment({ pool: { agingMs: 1000 } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
    let started: number | undefined
    for (let task = 0; task < 50; task++) runner.postTask((context) => context.sleep(100), { priority: 'user-blocking' })
    runner.postTask(() => void (started = env.clock.now()), { priority: 'best-effort' })
    await env.fastForwardUntilNoTasksRemain()
    expect(started).toBeGreaterThanOrEqual(1000)
    expect(started).toBeLessThanOrEqual(2100)
  })

  test('P4 with agingMs: 0 the priorities of a parallel runner take turns, and none of them is starved', async () => {
    await using env = createTestEnvironment({ pool: { agingMs: 0 } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 1 })
    const seen: string[] = []
    for (let task = 0; task < 4; task++) {
      for (const priority of levels) {
        runner.postTask(
          (context) => {
            seen.push(priority)
            return context.sleep(1)
          },
          { priority },
        )
      }
    }
    await env.fastForwardUntilNoTasksRemain()
    expect(seen).toHaveLength(12)
    for (let from = 1; from + 3 <= 10; from += 3) expect(new Set(seen.slice(from, from + 3)).size).toBe(3)
  })

  test('P1 G-79 G-80 a concurrency that is none, and a pool that is none, are refused at the call', async () => {
    await using env = createTestEnvironment()
    for (const maxConcurrency of [0, -1, 1.5, Number.NaN, '2' as unknown as number, undefined as unknown as number]) {
      expect(() => new ParallelTaskRunner(env.pool, { maxConcurrency }), String(maxConcurrency)).toThrow(RangeError)
    }
    for (const pool of [null, undefined, {}]) {
      expect(() => new ParallelTaskRunner(pool as never, { maxConcurrency: 1 })).toThrow(TypeError)
      expect(() => new SequencedTaskRunner(pool as never)).toThrow(TypeError)
      expect(() => new SingleThreadTaskRunner(pool as never)).toThrow(TypeError)
    }
    expect(env.pool.runners).toEqual([])
    expect(new ParallelTaskRunner(env.pool, { maxConcurrency: Number.POSITIVE_INFINITY }).maxConcurrency).toBe(
      Number.POSITIVE_INFINITY,
    )
    expect(new ParallelTaskRunner(env.pool, { maxConcurrency: 7 }).maxConcurrency).toBe(7)
  })
})

describe('fences and pauses', () => {
  test('FNC-02 FNC-03 FNC-04 nothing new starts in the pool while any fence is held; what runs goes on', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const other = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    runner.postTask(async (context) => {
      await context.sleep(10)
      seen.push('running ends')
    })
    await env.runUntilIdle()
    const outer = env.pool.fence()
    const inner = env.pool.fence()
    runner.postTask(() => void seen.push('queued'))
    other.postTask(() => void seen.push('other'))
    await env.advanceBy(10)
    expect(seen).toEqual(['running ends'])
    outer[Symbol.dispose]()
    outer[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['running ends'])
    inner[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen.toSorted()).toEqual(['other', 'queued', 'running ends'])
  })

  test('FNC-01 FNC-03 a best-effort fence holds best-effort tasks only', async () => {
    await using env = createTestEnvironment()
    const low = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const visible = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    const full = env.pool.fence()
    const fence = env.pool.bestEffortFence()
    low.postTask(() => void seen.push('low'))
    visible.postTask(() => void seen.push('visible'))
    await env.runUntilIdle()
    expect(seen).toEqual([])
    full[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['visible'])
    fence[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['visible', 'low'])
  })

  test('pause: nothing new starts on the runner until every pause is released', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const other = new SequencedTaskRunner(env.pool)
    const seen: string[] = []
    const [first, second] = [runner.pause(), runner.pause()]
    runner.postTask(() => void seen.push('paused'))
    runner.postDelayedTask(() => void seen.push('delayed'), 5)
    other.postTask(() => void seen.push('other'))
    await env.advanceBy(10)
    expect(seen).toEqual(['other'])
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['other'])
    second[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['other', 'paused', 'delayed'])
  })
})

describe('best-effort slots', () => {
  /** Three best-effort sequences on two slots, one of which best-effort tasks may use; the first sequence uses it. */
  const crowded = async () => {
    const pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 2 }) })
    const [holder, next, last] = [1, 2, 3].map(() => new SequencedTaskRunner(pool, { priority: 'best-effort' })) as [
      SequencedTaskRunner,
      SequencedTaskRunner,
      SequencedTaskRunner,
    ]
    const gate = deferred()
    const held = holder.run(() => gate.promise)
    const waiting = next.postTask(() => {})
    const outcome = last.run(() => 'ran')
    await new Promise((resolve) => setImmediate(resolve))
    return { pool, next, waiting, outcome, held, release: () => gate.resolve() }
  }

  test.each<[string, (next: SequencedTaskRunner, waiting: { cancel(): unknown }) => unknown]>([
    ['is cancelled', (_next, waiting) => waiting.cancel()],
    ['is paused', (next) => next.pause()],
    ['gets a higher priority', (next) => next.updatePriority('user-visible')],
  ])('P5 one that is offered to a sequence whose task %s is for the next sequence', async (_title, change) => {
    const { pool, next, waiting, outcome, held, release } = await crowded()
    const changed = held.then(() => change(next, waiting))
    release()
    await changed
    expect(await outcome).toBe('ran')
    await pool.close()
  })

  test('P1 P5 a task that yields several times at once gives up one slot and takes one back', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 2 }) })
    const runner = new SequencedTaskRunner(pool, { priority: 'best-effort' })
    const active: number[] = []
    for (let task = 0; task < 3; task++) {
      await runner.run(async (context) => {
        const yields = [context.yield(), context.yield(), context.yield()]
        active.push(pool.stats().active)
        await Promise.all(yields)
        active.push(pool.stats().active)
      })
    }
    expect(active).toEqual([0, 1, 0, 1, 0, 1])
    expect(pool.stats().active).toBe(0)
    await pool.close()
  })

  test('P2 P4 an old best-effort task that may not start lets the urgent tasks of its runner pass', async () => {
    await using env = createTestEnvironment({ pool: { agingMs: 50 } })
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 4 })
    const fence = env.pool.bestEffortFence()
    const seen: string[] = []
    runner.postTask(() => void seen.push('old'), { priority: 'best-effort' })
    await env.advanceBy(80)
    runner.postTask(() => void seen.push('urgent'), { priority: 'user-blocking' })
    await env.runUntilIdle()
    expect(seen).toEqual(['urgent'])
    fence[Symbol.dispose]()
    await env.runUntilIdle()
    expect(seen).toEqual(['urgent', 'old'])
  })

  test('P1 what goes on under a fence needs a slot as well', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const yielding = new SequencedTaskRunner(pool)
    const urgent = new SequencedTaskRunner(pool, { priority: 'user-blocking' })
    const gate = deferred()
    let fence: Disposable | undefined
    const seen: string[] = []
    let holds: Promise<void> | undefined
    const goesOn = yielding.run(async (context) => {
      holds = urgent.run(async () => {
        fence = pool.fence()
        await gate.promise
        seen.push('slot free')
      })
      await context.yield()
      seen.push('went on')
    })
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect([pool.stats().active, pool.pump.isFenced, seen]).toEqual([1, true, []])
    gate.resolve()
    await Promise.all([holds, goesOn])
    expect(seen).toEqual(['slot free', 'went on'])
    fence?.[Symbol.dispose]()
    await pool.close()
  })

  test('a best-effort task that yields goes on under a best-effort fence: it was let in before', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool, { priority: 'best-effort' })
    const seen: string[] = []
    runner.postTask(async (context) => {
      const fence = env.pool.bestEffortFence()
      await context.yield()
      seen.push('went on')
      fence[Symbol.dispose]()
    })
    await env.runUntilIdle()
    expect(seen).toEqual(['went on'])
  })
})
