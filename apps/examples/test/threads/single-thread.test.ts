import { SingleThreadTaskRunner, type TaskRejectedEvent, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'
import { threadBackends } from '../fixtures/backends.ts'
import { cells, changed, entriesOf, outcomeOf } from '../fixtures/shared-log.ts'

const tasks = taskModule<typeof import('../fixtures/thread-tasks.ts')>(new URL('../fixtures/thread-tasks.ts', import.meta.url))

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

describe.each(threadBackends)('a single-thread runner on %s', (_name, makeExecutor) => {
  test('S4 init comes first, and the state of its thread is its own', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const [ten, twenty] = [10, 20].map((value) => new SingleThreadTaskRunner(pool, { init: tasks.setState(value) }))
    const states = await Promise.all([1, 2].flatMap((by) => [ten?.run(tasks.addToState(by)), twenty?.run(tasks.addToState(by))]))
    expect(states).toEqual([11, 21, 13, 23])
    expect(await ten?.run(tasks.readThread())).not.toBe(await twenty?.run(tasks.readThread()))
  })

  test("S4 F5 with 'restart' the one that ran is told, init runs on the new thread, and the queue goes on", async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SingleThreadTaskRunner(pool, { init: tasks.setState(10), onThreadLost: 'restart' })
    expect(await runner.run(tasks.addToState(5))).toBe(15)
    const before = await runner.run(tasks.readThread())
    const crash = outcomeOf(runner.run(tasks.exit(3)))
    const queued = [1, 2].map((by) => runner.run(tasks.addToState(by)))
    expect(await crash).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 3 })
    expect(await Promise.all(queued)).toEqual([11, 13])
    expect(await runner.run(tasks.readThread())).not.toBe(before)
  })

  test('S4 C3 ended for a task that heeds no signal, it starts again with init', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1, abortGraceMs: 0 }) })
    const runner = new SingleThreadTaskRunner(pool, { init: tasks.setState(10), onThreadLost: 'restart' })
    const [log, controller] = [cells(4), new AbortController()]
    const endless = outcomeOf(runner.run(tasks.act(log, 0, 'spin'), { signal: controller.signal }))
    const queued = runner.run(tasks.addToState(1))
    await changed(log)
    controller.abort('too long')
    expect([await endless, await queued]).toEqual(['too long', 11])
  })

  test('S4 by default it closes, and rejects what is queued with WorkerCrashedError', async () => {
    const rejections: TaskRejectedEvent[] = []
    await using pool = new ThreadPool({
      executor: makeExecutor({ maxThreads: 1 }),
      onTaskRejected: (event) => void rejections.push(event),
    })
    const runner = new SingleThreadTaskRunner(pool)
    const log = cells(4)
    const outcomes = [outcomeOf(runner.run(tasks.exit(3))), outcomeOf(runner.run(tasks.write(log, 1)))]
    runner.postTask(tasks.write(log, 2), { name: 'posted' })
    expect(await Promise.all(outcomes)).toMatchObject([
      { code: 'ERR_WORKER_CRASHED', exitCode: 3 },
      { code: 'ERR_WORKER_CRASHED', exitCode: 3 },
    ])
    await runner.closed
    expect(rejections.map(({ name, reason }) => [name, reason])).toEqual([['posted', 'runner-closed']])
    expect(entriesOf(log)).toEqual([])
    await expect(runner.run(tasks.readThread())).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
  })

  test('S4 init that fails closes the runner', async () => {
    const errors: unknown[] = []
    await using pool = new ThreadPool({
      executor: makeExecutor({ maxThreads: 1 }),
      onTaskError: ({ error }) => void errors.push(error),
    })
    const runner = new SingleThreadTaskRunner(pool, { init: tasks.fail('no database') })
    await expect(runner.run(tasks.readThread())).rejects.toMatchObject({
      code: 'ERR_RUNNER_CLOSED',
      cause: { name: 'RangeError', message: 'no database' },
    })
    await runner.closed
    expect(errors).toMatchObject([{ message: 'no database' }])
  })

  test('W5 close lets what is queued end, and then the thread', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SingleThreadTaskRunner(pool)
    const log = cells(10)
    const outcomes = [1, 2, 3].map((entry) => runner.run(tasks.write(log, entry)))
    await runner.close()
    expect(await Promise.all(outcomes)).toEqual([1, 2, 3])
    expect(process.getActiveResourcesInfo()).not.toContain('Worker')
  })
})
