import { SequencedTaskRunner, SingleThreadTaskRunner, type TaskErrorEvent } from '@posttask/core'
import { assertEqual, assertError, rejection } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'

/** Cancelling, before and while a task runs. */
export const cancelCases: readonly ConformanceCase[] = [
  {
    title: 'C1 a task that is aborted before its start never runs, and rejects with the very reason',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const [state, log] = [subject.shared(), subject.shared()]
      const running = subject.watch(runner.run(subject.tasks.untilTold(state)))
      const reason = new Error('changed my mind')
      const controller = new AbortController()
      const aborted = rejection(runner.run(subject.tasks.append(log, 1), { signal: controller.signal }), 'an aborted task')
      const timedOut = rejection(runner.run(subject.tasks.append(log, 2), { queueTimeout: 5 }), 'a task that waits too long')
      await subject.until(state, 0, 1)
      controller.abort(reason)
      assertEqual((await aborted) === reason, true, 'the very reason')
      assertError(await timedOut, 'TaskTimeoutError', 'a task that waits too long')
      Atomics.store(state, 1, 1)
      await running
      await runner.waitIdle()
      assertEqual(log[0], 0, 'cancelled tasks that ran')
    },
  },
  {
    title: 'C1 a task that is cancelled by who is told of its start never runs, and the next one does',
    requires: ['shared memory'],
    async run(subject) {
      const pool = subject.pool({
        observer: { onStarted: ({ task, name }) => void (name === 'unwanted' && task.cancel(new Error('changed my mind'))) },
      })
      for (const Kind of [SequencedTaskRunner, SingleThreadTaskRunner]) {
        const runner = new Kind(pool)
        const log = subject.shared()
        const unwanted = rejection(runner.run(subject.tasks.append(log, 1), { name: 'unwanted' }), 'a cancelled task')
        const behind = subject.watch(runner.run(subject.tasks.append(log, 2)))
        assertEqual(((await unwanted) as Error).message, 'changed my mind', 'the reason')
        await behind
        assertEqual([log[0], log[1]], [1, 2], 'what ran')
        const { cancelled, completed, running } = runner.stats()
        assertEqual([cancelled, completed, running], [1, 1, 0], 'the counts')
      }
    },
  },
  {
    title: 'C2 a running task that is aborted rejects at once, and its sequence stays taken until it ends',
    requires: ['shared memory', 'bound tasks'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const [state, log] = [subject.shared(), subject.shared()]
      const controller = new AbortController()
      const aborted = rejection(
        runner.run(subject.contextTasks.untilAborted(state), { signal: controller.signal }),
        'an aborted task',
      )
      await subject.until(state, 0, 1)
      const behind = subject.watch(runner.run(subject.tasks.append(log, 1)))
      controller.abort(new Error('stop'))
      assertEqual(((await aborted) as Error).message, 'stop', 'the reason')
      await behind
      assertEqual(state[1], 1, 'the aborted task ended before the next one started')
    },
  },
  {
    title: 'F2 a cancelled task that fails with the very reason has not failed',
    requires: ['shared memory', 'bound tasks'],
    async run(subject) {
      const events: TaskErrorEvent[] = []
      const runner = new SequencedTaskRunner(subject.pool({ onTaskError: (event) => void events.push(event) }))
      const state = subject.shared()
      const controller = new AbortController()
      runner.postTask(subject.contextTasks.failWhenAborted(state), { signal: controller.signal })
      await subject.until(state, 0, 1)
      controller.abort(new Error('stop'))
      await runner.waitIdle()
      assertEqual(
        events.map(({ error }) => String(error)),
        [],
        'what the error hook was told',
      )
    },
  },
  {
    title: 'C3 W3 a thread that is held by what an ended task left behind is ended and replaced',
    requires: ['threads', 'terminate', 'shared memory'],
    async run(subject) {
      const runner = new SingleThreadTaskRunner(subject.pool(), { onThreadLost: 'restart' })
      const state = subject.shared()
      await runner.run(subject.tasks.leaveSpin(state))
      await subject.until(state, 0, 1)
      const stuck = rejection(runner.run(subject.tasks.echo('stuck'), { timeout: 50 }), 'a task past its time limit')
      const behind = subject.watch(runner.run(subject.tasks.echo('behind')))
      assertError(await stuck, 'TaskTimeoutError', 'a task past its time limit')
      assertEqual(await behind, 'behind', 'the task behind it, on a new thread')
    },
  },
  {
    title: 'C3 a thread whose task does not heed its signal is ended and replaced',
    requires: ['threads', 'terminate', 'shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const state = subject.shared()
      const spinning = rejection(runner.run(subject.tasks.spin(state), { timeout: 50 }), 'a task past its time limit')
      const behind = subject.watch(runner.run(subject.tasks.echo('behind')))
      assertError(await spinning, 'TaskTimeoutError', 'a task past its time limit')
      assertEqual(await behind, 'behind', 'the task behind it, on a new thread')
    },
  },
]
