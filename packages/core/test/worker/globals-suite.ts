import type { Settled } from '@posttask/core'
import type { LaneExecutor, LaneOptions } from '@posttask/core/worker'
import { describe, expect, onTestFailed, test, vi } from 'vitest'
import { TestExecution } from './test-execution.ts'

const module = new URL('./fixtures/globals.js', import.meta.url).href

/** What the code of ours on a thread needs of its globals it has taken before the first task can take them away. */
export const describeGlobals = (name: string, makeExecutor: (options: LaneOptions) => LaneExecutor): void => {
  // Threads start slowly on a machine that is busy.
  vi.setConfig({ testTimeout: 60_000 })

  describe(`${name}: globals that a task takes away`, () => {
    test.each(['deleted', 'replaced'])('F1 F5 whatever is %s, later tasks of the thread run and end as ever', async (how) => {
      const executor = makeExecutor({ maxThreads: 1 })
      const bind = (task: string, ...args: unknown[]) => ({ module, export: task, args })
      const run = (task: string, ...args: unknown[]) => executor.execute(bind(task, ...args), new TestExecution(task))
      const probes = ['one', 'many', 'later', 'refuse', 'uncloneable', 'report', 'print', 'restore']
      const probe = async (path: string): Promise<unknown[]> => {
        // Writing holds each outcome until it is out: where that has to do with what is lost, and Node itself can do without.
        const prints = /^(process|Promise|setTimeout|clearTimeout)/.test(path) && path !== 'process.stdout'
        const tasks = probes.filter((task) => task !== 'print' || prints)
        const executions = tasks.map((task) => new TestExecution(task, { onProgress: () => {} }))
        const outcomes = (await executor.executeBatch?.(
          tasks.map((task) => bind(task)),
          executions,
        )) as readonly Settled[]
        const seen = outcomes.map((outcome, index) =>
          outcome.status === 'fulfilled' ? [tasks[index], outcome.value] : [tasks[index], outcome],
        )
        return [...seen.filter(([task]) => task !== 'print'), executions[5]?.seen]
      }
      const abort = async (): Promise<unknown> => {
        const started = new Int32Array(new SharedArrayBuffer(4))
        const execution = new TestExecution('untilAborted')
        const outcome = executor.execute(bind('untilAborted', started), execution) as Promise<unknown>
        while (Atomics.load(started, 0) === 0) await new Promise(setImmediate)
        execution.cancel(new RangeError('enough'))
        executor.abort(execution)
        return outcome.catch((error: unknown) => error)
      }
      let path = 'nothing yet'
      onTestFailed(() => console.error(`${name}: ${path} was ${how}`))
      const paths = (await run('losable')) as string[]
      expect(paths).toEqual(expect.arrayContaining(['process', 'performance', 'globalThis', 'Promise', 'Atomics.load']))
      for (path of paths) {
        await run('lose', path, how)
        const reason = await abort()
        expect(String(reason), path).toBe('RangeError: enough')
        expect(await probe(path), path).toEqual([
          ['one', 1],
          ['many', { of: [1, 2] }],
          ['later', 'later'],
          [
            'refuse',
            expect.objectContaining({
              reason: expect.objectContaining({
                message: 'refused',
                constructor: expect.objectContaining({ name: 'Refused' }),
                cause: expect.objectContaining({ message: 'inner' }),
                details: { code: 7 },
              }),
            }),
          ],
          ['uncloneable', expect.objectContaining({ reason: expect.objectContaining({ path: 'result.items[0].callback' }) })],
          ['report', false],
          ['restore', undefined],
          [{ from: 'report' }],
        ])
      }
      await executor.close()
      expect(executor.stats().started).toBe(1)
    })
  })
}
