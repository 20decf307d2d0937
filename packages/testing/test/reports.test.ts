import { SequencedTaskRunner, type TaskContext, TaskTimeoutError } from '@posttask/core'
import { createTestEnvironment, ExternalWaitError, explore, RaceError, runTest } from '@posttask/testing'
import { expect, test, vi } from 'vitest'

const never = (): Promise<never> => new Promise(() => {})

test('C2 a time limit that passes while a task waits for something unknown says so, and what to do', async () => {
  await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.pool, { name: 'api' })
    const load = ({ signal }: TaskContext): Promise<void> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const outcome = runner.run(load, { name: 'load', timeout: 3000 })
    await expect(outcome).rejects.toThrow(TaskTimeoutError)
    await expect(outcome).rejects.toThrow(
      /within its timeout of 3000 ms.*\n.*time moved while these waited for something the environment does not know: api\/load[\s\S]*env\.external/,
    )
  })
})

test('C1 a task that did not start in time names who held its runner', async () => {
  await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.pool, { name: 'api' })
    let finish = (): void => {}
    runner.postTask(() => new Promise<void>((resolve) => void (finish = resolve)), { name: 'load' })
    await expect(runner.run(() => {}, { queueTimeout: 10 })).rejects.toThrow(
      /queueTimeout of 10 ms[\s\S]*does not know: api\/load/,
    )
    finish()
  })
})

test('C2 a time limit that passes while everything waits for the clock is as in production', async () => {
  await runTest(async (env) => {
    const runner = new SequencedTaskRunner(env.pool, { name: 'api' })
    const outcome = runner.run((context) => context.sleep(20), { name: 'slow', timeout: 10 })
    await expect(outcome).rejects.toThrow(TaskTimeoutError)
    await expect(outcome).rejects.not.toThrow(/does not know/)
  })
})

test('describe() and the errors list the timers of installGlobals()', async () => {
  await using env = createTestEnvironment()
  const globals = env.installGlobals()
  const timer = setTimeout(() => {}, 20)
  const interval = setInterval(() => {}, 7)
  expect(env.describe()).toContain('timers of the code under test: setInterval until t=7, setTimeout until t=20')
  await env.advanceBy(10)
  expect(env.describe()).toContain('setInterval until t=14, setTimeout until t=20')
  clearTimeout(timer)
  clearInterval(interval)
  expect(env.describe()).not.toContain('timers')
  setTimeout(() => {}, 1)
  globals[Symbol.dispose]()
  expect(env.describe()).not.toContain('timers')
})

test('explore does not wait for ever for real work that never ends', async () => {
  const outcome = explore((env) => env.external(never(), 'the database'), { externalTimeoutMs: 20 })
  await expect(outcome).rejects.toThrow(RaceError)
  await expect(outcome).rejects.toThrow(/real work held the virtual time for more than 20 ms: the database/)
})

test('an environment that nothing drives says so, as soon as something could run', async () => {
  const env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool, { name: 'r' })
  expect(env.describe()).not.toContain('drives')
  const outcome = runner.run(() => 42, { name: 'answer' })
  expect(env.describe()).toMatch(
    /r\/answer: queued[\s\S]*nothing drives this environment: .*env\.run\(body\).*env\.advanceBy\(ms\)/,
  )
  await env.runUntilIdle()
  expect([await outcome, env.describe()]).toEqual([42, 't=0: no task is pending'])
  await env.discard()
})

test('a test that awaits what nothing drives is warned of, without a driving call before', async () => {
  const warned = new Promise<string>((resolve) => vi.spyOn(console, 'warn').mockImplementation(resolve))
  const env = createTestEnvironment()
  new SequencedTaskRunner(env.pool, { name: 'r' }).postTask(() => {}, { name: 'answer' })
  expect(await warned).toMatch(/nothing has driven the virtual time for 1000 ms[\s\S]*r\/answer: queued[\s\S]*env\.advanceBy/)
  vi.restoreAllMocks()
  await env.discard()
})

test('discard() does not wait once more for real work that took too long', async () => {
  const env = createTestEnvironment({ externalTimeoutMs: 20 })
  void env.external(never(), 'the database')
  await expect(env.runUntilIdle()).rejects.toThrow(ExternalWaitError)
  await env.discard()
  expect(env.describe()).toBe('t=0: no task is pending')
})
