import { queryObjects } from 'node:v8'
import { inlineExecutor } from '@posttask/backend-inline'
import { KeyedTaskRunner, SequenceDeadlockError, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'

test('S1 S2 tasks of one key run in order and one at a time, those of different keys side by side', async () => {
  await using env = createTestEnvironment()
  const runner = new KeyedTaskRunner(env.pool)
  const log: string[] = []
  for (const task of ['a1', 'b1', 'a2', 'b2']) {
    runner.forKey(task[0]).postTask(async (context) => {
      log.push(`+${task}`)
      await context.sleep(10)
      log.push(`-${task}`)
    })
  }
  await env.advanceBy(20)
  expect(log).toEqual(['+a1', '+b1', '-a1', '-b1', '+a2', '+b2', '-a2', '-b2'])
})

test('P1 at most maxConcurrency over all keys', async () => {
  await using env = createTestEnvironment()
  const runner = new KeyedTaskRunner(env.pool, { maxConcurrency: 2 })
  let running = 0
  let most = 0
  for (let key = 0; key < 6; key++) {
    runner.forKey(key).postTask(async (context) => {
      most = Math.max(most, ++running)
      await context.sleep(5)
      running--
    })
  }
  await env.fastForwardUntilNoTasksRemain()
  expect(most).toBe(2)
})

test('P3 an urgent task pulls those of its key along, ahead of other keys', async () => {
  await using env = createTestEnvironment()
  const runner = new KeyedTaskRunner(env.pool, { maxConcurrency: 1 })
  const log: string[] = []
  runner.forKey('calm').postTask(() => log.push('calm'))
  runner.forKey('urgent').postTask(() => log.push('first'))
  runner.forKey('urgent').postTask(() => log.push('second'), { priority: 'user-blocking' })
  await env.runUntilIdle()
  expect(log).toEqual(['first', 'second', 'calm'])
})

test('W1 a flush waits for every key, and what is posted afterwards waits for it', async () => {
  await using env = createTestEnvironment()
  const runner = new KeyedTaskRunner(env.pool)
  const log: string[] = []
  for (const key of ['a', 'b']) runner.forKey(key).postTask((context) => context.sleep(5).then(() => log.push(key)))
  void runner.flush(() => void log.push('barrier'))
  runner.forKey('c').postTask(() => log.push('c'))
  await env.advanceBy(5)
  expect(log).toEqual(['a', 'b', 'barrier', 'c'])
})

test('W3 a task that awaits its own key is told so; one that awaits another key is not', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new KeyedTaskRunner(pool)
  const own = runner.forKey('a').run(() => runner.forKey('a').run(() => 1))
  await expect(own).rejects.toBeInstanceOf(SequenceDeadlockError)
  expect(await runner.forKey('a').run(() => runner.forKey('b').run(() => 2))).toBe(2)
})

test('C1 D1 a cancelled task of a key leaves the others in order, a delayed one joins when it is due', async () => {
  await using env = createTestEnvironment()
  const runner = new KeyedTaskRunner(env.pool)
  const log: number[] = []
  const sequence = runner.forKey('a')
  const handles = [1, 2, 3].map((task) => sequence.postTask(() => log.push(task)))
  sequence.postDelayedTask(() => log.push(4), 10)
  handles[1]?.cancel()
  await env.advanceBy(10)
  expect(log).toEqual([1, 3, 4])
})

test('W5 close runs what is queued for every key', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new KeyedTaskRunner(pool, { maxConcurrency: 1 })
  let ran = 0
  for (let key = 0; key < 100; key++) runner.forKey(key % 7).postTask(() => ran++)
  await runner.close()
  expect(ran).toBe(100)
})

test('S1 a million keys, each used once, are forgotten', { timeout: 60_000 }, async () => {
  class Key {}
  await using pool = new ThreadPool({ executor: inlineExecutor(), asyncContext: false })
  const runner = new KeyedTaskRunner(pool)
  let ran = 0
  const use = async (keys: number): Promise<void> => {
    for (let key = 0; key < keys; key++) runner.forKey(new Key()).postTask(() => ran++)
    await runner.waitIdle()
  }
  for (let block = 0; block < 1000; block++) await use(1000)
  expect(ran).toBe(1_000_000)
  // Collects garbage first: what it counts is still held.
  expect(queryObjects(Key)).toBe(0)
  const held = new Key()
  expect(queryObjects(Key)).toBe(1)
  expect(held).toBeInstanceOf(Key)
})

test('P3 P5 an urgent task pulls those of its key along, and holds no other key up', async () => {
  await using env = createTestEnvironment({ executor: { maxConcurrency: 2 } })
  const gate = deferred()
  new SequencedTaskRunner(env.pool, { priority: 'best-effort' }).postTask(() => gate.promise)
  await env.runUntilIdle()
  const runner = new KeyedTaskRunner(env.pool)
  const seen: string[] = []
  runner.forKey('a').postTask(() => void seen.push('a pulled'), { priority: 'best-effort' })
  runner.forKey('a').postTask(() => void seen.push('a urgent'), { priority: 'user-blocking' })
  runner.forKey('b').postTask(() => void seen.push('b'))
  runner.forKey('c').postTask(() => void seen.push('c'), { priority: 'best-effort' })
  await env.runUntilIdle()
  expect(seen).toEqual(['a pulled', 'a urgent', 'b'])
  gate.resolve()
  await env.runUntilIdle()
  expect(seen).toEqual(['a pulled', 'a urgent', 'b', 'c'])
})

test('P4 the keys of low priority have their turn under a flood of urgent ones', async () => {
  await using env = createTestEnvironment({ executor: { maxConcurrency: 2 }, pool: { agingMs: 50 } })
  const runner = new KeyedTaskRunner(env.pool, { maxConcurrency: 1 })
  let urgent = 0
  let before: number | undefined
  const flood = (key: number): void => {
    runner.forKey(key).postTask(
      async (context) => {
        urgent++
        if (urgent < 100) flood(key + 2)
        await context.sleep(5)
      },
      { priority: 'user-blocking' },
    )
  }
  flood(1)
  flood(2)
  runner.forKey('low').postTask(() => void (before = urgent), { priority: 'best-effort' })
  await env.advanceBy(600)
  // Two levels of 50 ms each, while an urgent one takes 5 ms.
  expect(before).toBeLessThanOrEqual(21)
})

test.each<[string, (runner: KeyedTaskRunner) => readonly [Runs, Runs]]>([
  ['the runner itself', (runner) => [runner, runner]],
  ['the key undefined', (runner) => [runner.forKey(undefined), runner.forKey(undefined)]],
  ['the key undefined, which is that of the runner', (runner) => [runner.forKey(undefined), runner]],
  ['NaN', (runner) => [runner.forKey(Number.NaN), runner.forKey(Number.NaN)]],
])('W3 a task that awaits another one of %s is refused', async (_title, places) => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const [outer, inner] = places(new KeyedTaskRunner(pool))
  await expect(outer.run(() => inner.run(() => 1))).rejects.toBeInstanceOf(SequenceDeadlockError)
})

test('W3 with one slot, a task that awaits one of another key is refused; with more it is not', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const one = new KeyedTaskRunner(pool, { maxConcurrency: 1 })
  await expect(one.forKey('a').run(() => one.forKey('b').run(() => 1))).rejects.toBeInstanceOf(SequenceDeadlockError)
  const many = new KeyedTaskRunner(pool)
  expect(await many.forKey('a').run(() => many.forKey('b').run(() => 1))).toBe(1)
})

interface Runs {
  run<Value>(task: () => Promise<Value> | Value): Promise<Value>
}
