import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment, type ExploreEnvironment, explore, runTest } from '@posttask/testing'
import { expect, test } from 'vitest'

type Program = (pool: ThreadPool) => Promise<readonly string[]>

const onBothClocks = async (program: Program, maxConcurrency: number): Promise<readonly (readonly string[])[]> => {
  await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency }) })
  const real = await program(pool)
  return [real, await runTest((env) => program(env.createPool({ maxConcurrency })))]
}

test.for([1, 2])(
  'P2 a task that yields lets more urgent work in, on the virtual clock as on the real one: %s slot(s)',
  async (slots) => {
    const program: Program = async (pool) => {
      const log: string[] = []
      const index = new SequencedTaskRunner(pool, { name: 'index', priority: 'best-effort' })
      const clicks = new SequencedTaskRunner(pool, { name: 'clicks', priority: 'user-blocking' })
      await index.run(async (context) => {
        for (const part of ['part 1', 'part 2']) {
          log.push(part)
          clicks.postTask(() => void log.push('click'))
          await context.yield()
        }
      })
      return log
    }
    const [real, virtual] = await onBothClocks(program, slots)
    expect(virtual).toEqual(['part 1', 'click', 'part 2', 'click'])
    expect(real).toEqual(virtual)
  },
)

test('P1 S5 a task that yields gives up its slot, and has its turn behind its equals, on both clocks', async () => {
  const program: Program = async (pool) => {
    const log: string[] = []
    const counts = async (name: string): Promise<void> => {
      await new SequencedTaskRunner(pool, { name }).run(async (context) => {
        for (let step = 1; step <= 3; step++) {
          log.push(`${name}${step}`)
          await context.yield()
        }
      })
    }
    await Promise.all(['a', 'b'].map(counts))
    return log
  }
  const [real, virtual] = await onBothClocks(program, 1)
  expect(virtual).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
  expect(real).toEqual(virtual)
})

test('P2 a task that yields has its continuation in the timeline, and runNext() takes it for a step', async () => {
  await using env = createTestEnvironment()
  new SequencedTaskRunner(env.pool, { name: 'r' }).postTask((context) => context.yield(), { name: 'polite' })
  expect((await env.runNext())?.waits).toEqual(['yield'])
  expect((await env.runNext())?.name).toBe('polite')
  expect(env.timeline()).toBe('t=0  r/polite  start\nt=0  r/polite  after yield\nt=0  r/polite  end')
})

test('C2 a task that was cancelled while it yields is rejected when its turn comes', async () => {
  await using env = createTestEnvironment()
  const log: unknown[] = []
  const runner = new SequencedTaskRunner(env.pool)
  const handle = runner.postTask(async (context) => {
    await context.yield().catch((error: Error) => log.push(error.name))
  })
  await env.runNext()
  handle.cancel()
  await env.runUntilIdle()
  expect(log).toEqual(['TaskCancelledError'])
})

const yielding = async (env: ExploreEnvironment, priorities: readonly ('best-effort' | 'user-blocking')[]): Promise<string> => {
  let order = ''
  const names = ['A', 'B']
  await Promise.all(
    names.map((name, index) =>
      new ParallelTaskRunner(env.pool, { priority: priorities[index], maxConcurrency: 1 }).run(async (context) => {
        order += name
        await context.yield()
        order += name.toLowerCase()
      }),
    ),
  )
  return order
}

test('every order of two tasks that yield is explored, and none of them changes from run to run', async () => {
  const orders = new Set<string>()
  const report = await explore(async (env) => void orders.add(await yielding(env, ['user-blocking', 'user-blocking'])), {
    exhaustive: true,
  })
  expect(report).toMatchObject({ complete: true, schedules: 6, maxSteps: 4 })
  expect([...orders].toSorted()).toEqual(['ABab', 'ABba', 'AaBb', 'BAab', 'BAba', 'BbAa'])
})

test('P2 no schedule lets a best-effort task go on from its yield before urgent work', async () => {
  const orders = new Set<string>()
  await explore(async (env) => void orders.add(await yielding(env, ['best-effort', 'user-blocking'])), { exhaustive: true })
  expect([...orders]).toEqual(['BbAa'])
})

test('a continuation after a yield is named as such in the trace of a race', async () => {
  const outcome = explore(async (env) => {
    const order = await yielding(env, ['user-blocking', 'user-blocking'])
    if (order === 'BAba') throw new Error('found')
  })
  await expect(outcome).rejects.toThrow(/parallel-2\/task \d+ {2}after yield/)
})
