import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import {
  DeadlockError,
  delayStrategy,
  type ExploreEnvironment,
  explore,
  pctStrategy,
  RaceError,
  randomStrategy,
  UncontrolledError,
} from '@posttask/testing'
import { expect, test } from 'vitest'

const lostUpdate = async (env: ExploreEnvironment): Promise<void> => {
  const store = env.cell('store', 0)
  const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 3, name: 'pool' })
  const increment = async (): Promise<void> => store.set((await store.get()) + 1)
  await Promise.all(['A', 'B', 'C'].map((name) => runner.run(increment, { name })))
  const n = await store.get()
  if (n !== 3) throw new Error(`n is ${n}, expected 3`)
}

const failureOf = async (outcome: Promise<unknown>): Promise<RaceError> => {
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RaceError)
  return error as RaceError
}

test('a lost update is found, minimised to one pre-emption, and replayed from the printed line', async () => {
  const error = await failureOf(explore(lostUpdate))
  expect(error.message).toMatch(
    /^n is \d, expected 3\nfound by .* after \d+ schedule\(s\); minimised in \d+ re-runs to 1 pre-emption/,
  )
  const again = await failureOf(explore(lostUpdate, { replay: error.replay }))
  expect(again.trace).toEqual(error.trace)
  expect((again.original as Error).message).toBe((error.original as Error).message)
})

test('S2 on a sequence the same program is right under every schedule', async () => {
  const report = await explore(
    async (env) => {
      const store = env.cell('store', 0)
      const runner = new SequencedTaskRunner(env.pool)
      const increment = async (): Promise<void> => store.set((await store.get()) + 1)
      await Promise.all([1, 2, 3].map(() => runner.run(increment)))
      if ((await store.get()) !== 3) throw new Error('lost')
    },
    { exhaustive: true },
  )
  expect(report.complete).toBe(true)
})

test('exhaustive search of three tasks of three steps tries 9!/(3!)^3 = 1680 schedules', async () => {
  const report = await explore(
    async (env) => {
      const runners = [1, 2, 3].map(() => new SequencedTaskRunner(env.pool))
      await Promise.all(
        runners.map((runner) =>
          runner.run(async () => {
            await env.point('one')
            await env.point('two')
          }),
        ),
      )
    },
    { exhaustive: true },
  )
  expect(report).toMatchObject({ schedules: 1680, complete: true, maxSteps: 9 })
})

test('a program that depends on Math.random is refused', async () => {
  const outcome = explore(async (env) => {
    await env.point(`random ${Math.random()}`)
    await env.point('next')
  })
  await expect(outcome).rejects.toThrow(UncontrolledError)
})

test('a schedule that depends on real time is refused', async () => {
  const outcome = explore(async () => {
    await new Promise((resolve) => void setTimeout(resolve, 2))
  })
  await expect(outcome).rejects.toThrow(/does not control/)
})

test('real work that is named is waited for', async () => {
  const report = await explore(
    async (env) => {
      await env.external(new Promise((resolve) => void setTimeout(resolve, 2)))
    },
    { seeds: 3 },
  )
  expect(report.schedules).toBe(3)
})

test('a fault is injected only where the schedule says so', async () => {
  const attempts: number[] = []
  const error = await failureOf(
    explore((env) => {
      const hasFailed = env.fault('disk full')
      attempts.push(Number(hasFailed))
      if (hasFailed) throw new Error('not handled')
    }),
  )
  expect(attempts[0]).toBe(0)
  expect(error.replay).toBe('1')
  expect(error.message).toContain('fault disk full -> 1')
})

test('choose takes every item in turn under exhaustive search', async () => {
  const seen = new Set<string>()
  const report = await explore((env) => void seen.add(env.choose(['a', 'b', 'c']) + env.choose([1, 2])), { exhaustive: true })
  expect([...seen].toSorted()).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  expect(report).toMatchObject({ schedules: 6, complete: true })
})

test('sometimes fails the search when it was true in no schedule', async () => {
  await expect(explore((env) => env.sometimes('the rare branch', false), { seeds: 5 })).rejects.toThrow(
    'never true in 5 schedules: the rare branch',
  )
  const report = await explore((env) => env.sometimes('chosen', env.choose([0, 1])), { exhaustive: true })
  expect(report.sometimes).toEqual({ chosen: 1 })
})

test('an invariant is checked after every step', async () => {
  let inside = 0
  const error = await failureOf(
    explore(
      async (env) => {
        inside = 0
        const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
        const task = async (): Promise<void> => {
          inside++
          await env.point('inside')
          inside--
        }
        await Promise.all([runner.run(task), runner.run(task)])
      },
      {
        invariant: () => {
          if (inside > 1) throw new Error('two are inside')
        },
      },
    ),
  )
  expect(error.message).toMatch(/^two are inside/)
})

test('timerRaces lets a timer overtake what is ready', async () => {
  const program = async (env: ExploreEnvironment): Promise<void> => {
    let hasTimedOut = false
    const timers = new SequencedTaskRunner(env.pool)
    const limit = timers.run(() => void (hasTimedOut = true), { delay: 10 })
    await env.point('work')
    if (hasTimedOut) throw new Error('the time limit passed first')
    await limit
  }
  expect(await explore(program, { exhaustive: true })).toMatchObject({ complete: true })
  const error = await failureOf(explore(program, { timerRaces: true }))
  expect(error.message).toContain('the clock overtakes')
})

test('a latency takes virtual time, and sleeps end at theirs', async () => {
  await explore(
    async (env) => {
      const slow = env.service('slow', { ask: (n: number) => n * 2 }, { latency: [5, 5] })
      const answers = await Promise.all([slow.ask(2), env.sleep(3).then(() => env.clock.now())])
      expect([...answers, env.clock.now()]).toEqual([4, 3, 5])
    },
    { seeds: 10 },
  )
})

test('a service that fails, at once or later, rejects at its response', async () => {
  await explore(
    async (env) => {
      const broken = env.service('broken', {
        now: () => {
          throw new Error('at once')
        },
        later: () => Promise.reject(new Error('later')),
      })
      await expect(broken.now()).rejects.toThrow('at once')
      await expect(broken.later()).rejects.toThrow('later')
    },
    { seeds: 3 },
  )
})

test('with request points alone a stale answer is missed; with both it is found', async () => {
  const program = async (env: ExploreEnvironment): Promise<void> => {
    const store = env.cell('store', 'old')
    let cached: string | undefined
    const read = async (): Promise<void> => void (cached = await store.get())
    const write = async (): Promise<void> => {
      await store.set('new')
      cached = undefined
    }
    const runner = new ParallelTaskRunner(env.pool, { maxConcurrency: 2 })
    await Promise.all([runner.run(read), runner.run(write)])
    if (cached === 'old') throw new Error('stale')
  }
  expect(await explore(program, { exhaustive: true, points: 'request' })).toMatchObject({ complete: true })
  await failureOf(explore(program, { exhaustive: true }))
})

test('starts of two pools are candidates side by side', async () => {
  const orders = new Set<string>()
  await explore(
    async (env) => {
      const order: string[] = []
      const [a, b] = [new SequencedTaskRunner(env.createPool()), new SequencedTaskRunner(env.createPool())]
      await Promise.all([a.run(() => order.push('a')), b.run(() => order.push('b'))])
      orders.add(order.join(''))
    },
    { exhaustive: true },
  )
  expect([...orders].toSorted()).toEqual(['ab', 'ba'])
})

test('P2 a lower priority is never a candidate while a higher one is ready', async () => {
  await explore(
    async (env) => {
      const order: string[] = []
      const fence = env.pool.fence()
      const outcomes = (['best-effort', 'user-blocking', 'user-visible'] as const).map((priority) =>
        new SequencedTaskRunner(env.pool, { priority }).run(() => order.push(priority)),
      )
      fence[Symbol.dispose]()
      await Promise.all(outcomes)
      expect(order).toEqual(['user-blocking', 'user-visible', 'best-effort'])
    },
    { exhaustive: true },
  )
})

/** Fails where the tasks alternate, which takes three switches: no schedule with one deviation does. */
const alternation = async (env: ExploreEnvironment): Promise<void> => {
  let order = ''
  const task = (name: string) => async (): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await env.point(name)
      order += name
    }
  }
  await Promise.all(['A', 'B'].map((name) => new SequencedTaskRunner(env.pool).run(task(name))))
  if (order.includes('ABAB')) throw new Error('alternated')
}

test.for([
  ['random', (number: number) => randomStrategy(number)],
  ['PCT', (number: number, length: number) => pctStrategy(number, 4, length)],
  ['delay', (number: number, length: number) => delayStrategy(number, 3, length)],
] as const)(
  'the %s strategy finds what one deviation does not, and the same seed finds the same schedule',
  async ([name, strategy]) => {
    const found = (): Promise<RaceError> => failureOf(explore(alternation, { strategy }))
    const error = await found()
    expect(error.message).toMatch(new RegExp(`found by .*${name}`))
    expect((await found()).found).toEqual(error.found)
  },
)

test('a failing schedule is kept and runs first next time', async () => {
  const corpus = mkdtempSync(join(tmpdir(), 'explore-'))
  try {
    await failureOf(explore(lostUpdate, { name: 'lost update', corpus }))
    expect(readdirSync(corpus)).toEqual(['lost-update.json'])
    const error = await failureOf(explore(lostUpdate, { name: 'lost update', corpus }))
    expect(error.message).toContain('found by a kept schedule after 1 schedule(s)')
    writeFileSync(join(corpus, 'lost-update.json'), '{ "no": "list" }')
    expect((await explore((env) => env.point('fine'), { name: 'lost update', corpus, seeds: 2 })).schedules).toBe(2)
  } finally {
    rmSync(corpus, { recursive: true })
  }
})

test('a program that loops for ever is a livelock', async () => {
  const error = await failureOf(
    explore(
      async (env) => {
        for (;;) await env.point('again')
      },
      { maxSteps: 100 },
    ),
  )
  expect(error.message).toMatch(/^livelock: more than 100 steps/)
})

test('a deadlock of the very first schedule is reported, with the cycle and the places of the posts', async () => {
  const error = await failureOf(
    explore(async (env) => {
      const [a, b] = [new SequencedTaskRunner(env.pool, { name: 'a' }), new SequencedTaskRunner(env.pool, { name: 'b' })]
      // A promise of its own: core does not see that the task waits for the run, and refuses nothing.
      const hidden = (run: Promise<unknown>): Promise<unknown> => run.then((value) => value)
      await Promise.all([a.run(() => hidden(b.run(() => 1))), b.run(() => hidden(a.run(() => 1)))])
    }),
  )
  expect(error.original).toBeInstanceOf(DeadlockError)
  expect((error.original as DeadlockError).tasks).toEqual(['test/body', 'a/task 1', 'b/task 2', 'b/task 3', 'a/task 4'])
  expect(error.message).toMatch(
    /^deadlock: 5 task\(s\)[\s\S]*\(explore\.test\.ts:\d+:\d+\)[\s\S]*cycle: [\s\S]*found by FIFO after 1/,
  )
})

test('a task of the first schedule that never ends is a potential deadlock, and one that never rests a livelock', async () => {
  const hangs = await failureOf(
    explore(async (env) => new SequencedTaskRunner(env.pool, { name: 'a' }).run(() => new Promise<void>(() => {}))),
  )
  expect(hangs.message).toMatch(/^potential deadlock: 2 task\(s\)[\s\S]*\(explore\.test\.ts:\d+:\d+\)/)
  const spins = await failureOf(
    explore(
      async (env) => {
        new SequencedTaskRunner(env.pool, { name: 'a' }).postRepeatingTask(() => {}, 1, { name: 'poll' })
        await new Promise(() => {})
      },
      { maxSteps: 100 },
    ),
  )
  expect(spins.message).toMatch(/^livelock: more than 100 steps[\s\S]*a\/poll: .*\(explore\.test\.ts:\d+:\d+\)/)
})

test('deadlocks of other tasks are other failures, and minimising keeps them apart', async () => {
  const error = await failureOf(
    explore(
      (env) => {
        const stuck = env.choose(['none', 'one', 'other'])
        if (stuck === 'none') return
        void new SequencedTaskRunner(env.pool, { name: 'r' }).run(() => new Promise(() => {}), { name: stuck })
        return new Promise<void>(() => {})
      },
      { replay: '2' },
    ),
  )
  expect(error.replay).toBe('2')
})

test('minimising keeps to the same failure', async () => {
  const program = (env: ExploreEnvironment): void => {
    const first = env.choose([0, 1, 2])
    const second = env.choose([0, 1])
    if (first === 2 && second === 1) throw new RangeError('both')
    if (second === 1 && first === 1) throw new TypeError('another')
  }
  const error = await failureOf(
    explore(program, { strategy: () => ({ name: 'fixed', choose: (count) => count - 1 }), seeds: 40 }),
  )
  expect(error.original).toBeInstanceOf(RangeError)
  expect(error.replay).toBe('2.1')
})

/** Every outcome of three tasks that read and write, with and without a reduction, and how many schedules it took. */
const outcomesOf = async (
  keys: readonly string[],
  reduction: 'none' | 'labels',
): Promise<{ outcomes: readonly string[]; schedules: number }> => {
  const outcomes = new Set<string>()
  const { schedules, complete } = await explore(
    async (env) => {
      const values: Record<string, number> = {}
      const store = env.service(
        'store',
        {
          get: (key: string) => values[key] ?? 0,
          set: (key: string, value: number) => {
            values[key] = value
          },
        },
        { access: (method, [key]) => [String(key), method === 'get' ? 'r' : 'w'] },
      )
      await Promise.all(
        keys.map((key) => new SequencedTaskRunner(env.pool).run(async () => store.set(key, (await store.get(key)) + 1))),
      )
      outcomes.add(['a', 'b', 'c'].map((key) => values[key]).join())
    },
    { exhaustive: true, points: 'request', reduction },
  )
  expect(complete).toBe(true)
  return { outcomes: [...outcomes].toSorted(), schedules }
}

test.for([
  [['a', 'a', 'a'], 36],
  [['a', 'b', 'c'], 1],
  [['a', 'a', 'b'], 8],
] as const)('reduction by labels finds the same outcomes in fewer schedules: %s', async ([keys, most]) => {
  const all = await outcomesOf(keys, 'none')
  const reduced = await outcomesOf(keys, 'labels')
  expect(all.schedules).toBe(1680)
  expect(reduced.outcomes).toEqual(all.outcomes)
  expect(reduced.schedules).toBeLessThanOrEqual(most)
})

test('a reduction refuses what it would not be sound with', async () => {
  await expect(explore(() => {}, { reduction: 'labels' })).rejects.toThrow(TypeError)
  await expect(explore(() => {}, { reduction: 'labels', exhaustive: true, timerRaces: true })).rejects.toThrow(TypeError)
  await expect(explore((env) => void env.choose([1, 2]), { reduction: 'labels', exhaustive: true })).rejects.toThrow(
    /reduction does not go with/,
  )
})

test('minimising lowers an index that cannot be zero', async () => {
  const program = (env: ExploreEnvironment): void => {
    if (env.choose(['right', 'wrong', 'wrong', 'wrong']) === 'wrong') throw new Error('wrong')
  }
  const error = await failureOf(explore(program, { replay: '3' }))
  expect(error.replay).toBe('1')
  expect(error.found).toEqual([3])
})
