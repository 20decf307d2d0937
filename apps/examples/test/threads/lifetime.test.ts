import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ParallelTaskRunner, SequencedTaskRunner, type StrayErrorEvent, ThreadPool, taskModule } from '@posttask/core'
import { describe, expect, test, vi } from 'vitest'
import { threadBackends } from '../fixtures/backends.ts'
import { cells, changed, entriesOf, outcomeOf } from '../fixtures/shared-log.ts'

const url = new URL('../fixtures/thread-tasks.ts', import.meta.url)
const tasks = taskModule<typeof import('../fixtures/thread-tasks.ts')>(url)
const here = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Runs a program in a process of its own, which has to end by itself. */
const runProgram = (backend: string, program: string) => {
  const source = `
    import { ${backend}Executor } from '@posttask/backend-${backend}'
    import { SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
    const tasks = taskModule(${JSON.stringify(url.href)})
    const pool = new ThreadPool({ executor: ${backend}Executor({ maxThreads: 1, minThreads: 1 }) })
    const runner = new SequencedTaskRunner(pool)
    ${program}
  `
  const args = [...process.execArgv, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', source]
  return run(process.execPath, args, { cwd: here, timeout: 50_000 })
}

// Threads start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

describe.each(threadBackends)('how pools end on %s', (backend, makeExecutor) => {
  test('E3 a queued task keeps the process alive, an idle pool that nobody closed does not', async () => {
    const { stdout, stderr } = await runProgram(
      backend,
      `runner.run(tasks.addToState(1)).then((value) => console.log('first', value))
       runner.run(tasks.addToState(1)).then((value) => console.log('second', value))`,
    )
    expect(stderr).toBe('')
    expect(stdout.trim().split(/\r?\n/)).toEqual(['first 1', 'second 2'])
  })

  test('E3 a delayed task keeps the process alive unless it was posted with unref', async () => {
    const { stdout, stderr } = await runProgram(
      backend,
      `runner.run(tasks.addToState(1), { delay: 20 }).then((value) => console.log('delayed', value))
       runner.run(tasks.addToState(1), { delay: 3_600_000, unref: true }).then(() => console.log('never'))`,
    )
    expect(stderr).toBe('')
    expect(stdout.trim()).toBe('delayed 1')
  })

  test('W6 past its time limit close ends the threads, and says what became of each task', async () => {
    const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new SequencedTaskRunner(pool)
    const [log, done] = [cells(4), cells(4)]
    await runner.run(tasks.write(done, 1))
    const endless = outcomeOf(runner.run(tasks.act(log, 0, 'spin')))
    const queued = outcomeOf(runner.run(tasks.write(done, 2)))
    await changed(log)
    const report = await pool.close({ timeoutMs: 0 })
    expect(report).toMatchObject({ completed: 0, dropped: 1, terminated: 1 })
    expect(await Promise.all([endless, queued])).toMatchObject([{ code: 'ERR_POOL_CLOSED' }, { code: 'ERR_POOL_CLOSED' }])
    expect(entriesOf(done)).toEqual([1])
    expect(process.getActiveResourcesInfo()).not.toContain('Worker')
  })

  test('W8 a task that continues on shutdown does not hold close up', async () => {
    const pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1 }) })
    const runner = new SequencedTaskRunner(pool)
    const log = cells(4)
    const endless = outcomeOf(runner.run(tasks.act(log, 0, 'spin'), { shutdown: 'continue-on-shutdown' }))
    await changed(log)
    expect(await pool.close()).toMatchObject({ completed: 0, dropped: 0, terminated: 1 })
    expect(await endless).toMatchObject({ code: 'ERR_POOL_CLOSED' })
  })

  test('W1 waitIdle and flush wait for every thread', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 2 }) })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
    const log = cells(100)
    for (let entry = 0; entry < 40; entry++) runner.postTask(tasks.enterAlone(cells(1), 0, log, entry))
    await runner.waitIdle()
    expect(entriesOf(log)).toHaveLength(40)
    for (let entry = 40; entry < 60; entry++) runner.postTask(tasks.enterAlone(cells(1), 0, log, entry))
    let before = 0
    const barrier = runner.flush(() => {
      before = entriesOf(log).length
    })
    runner.postTask(tasks.write(log, 60))
    await barrier
    expect(before).toBe(60)
    await runner.waitIdle()
    expect(entriesOf(log)).toHaveLength(61)
  })

  test('F5 what an ended task left behind on its thread is told to onStrayError, and nothing is printed', async () => {
    const printed = vi.spyOn(console, 'error')
    let told: (event: StrayErrorEvent) => void = () => {}
    const stray = new Promise<StrayErrorEvent>((resolve) => (told = resolve))
    await using pool = new ThreadPool({
      name: 'mine',
      executor: makeExecutor({ maxThreads: 1 }),
      onStrayError: (event) => told(event),
    })
    const runner = new SequencedTaskRunner(pool)
    await runner.run(tasks.leaveError('left behind'))
    expect(await stray).toMatchObject({ pool: 'mine', executor: backend, error: { name: 'RangeError', message: 'left behind' } })
    expect(await runner.run(tasks.addToState(1))).toBe(1)
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })

  test('C3 a slot whose thread was ended for a timeout is whole again', async () => {
    await using pool = new ThreadPool({ executor: makeExecutor({ maxThreads: 1, abortGraceMs: 0 }) })
    const runner = new SequencedTaskRunner(pool)
    const before = await runner.run(tasks.readThread())
    let log: Int32Array
    let thread: number
    // One that runs out of time before its start leaves its thread alone: on a busy machine 20 ms are soon over.
    do {
      log = cells(4)
      const endless = runner.run(tasks.act(log, 0, 'spin'), { timeout: 20 })
      const behind = runner.run(tasks.readThread())
      await expect(endless).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
      thread = await behind
    } while (entriesOf(log).length === 0)
    expect(thread).not.toBe(before)
  })
})
