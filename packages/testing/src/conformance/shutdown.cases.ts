import { SequencedTaskRunner } from '@posttask/core'
import { assert, assertEqual, assertError, rejection } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'

/** Waiting for tasks, and the end of runners, pools and executors. */
export const shutdownCases: readonly ConformanceCase[] = [
  {
    title: 'W1 waitIdle and flush wait for what was posted',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const log = subject.shared(8)
      runner.postTask(subject.tasks.stay(subject.shared(), 5))
      runner.postTask(subject.tasks.append(log, 1))
      await runner.waitIdle()
      assertEqual(log[0], 1, 'tasks that had run')
      runner.postTask(subject.tasks.append(log, 2))
      await runner.flush()
      assertEqual(log[0], 2, 'tasks that had run')
    },
  },
  {
    title: 'W1 what is posted after flush starts after its callback',
    requires: ['closures'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const seen: string[] = []
      const atBarrier = runner.flush(async () => {
        await subject.delay(5)
        seen.push('barrier')
      })
      await runner.run(() => void seen.push('behind'))
      await atBarrier
      assertEqual(seen, ['barrier', 'behind'], 'the order')
    },
  },
  {
    title: 'W4 shutdown drops what is queued and delayed, and lets what runs finish',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const [state, log] = [subject.shared(), subject.shared()]
      const running = subject.watch(runner.run(subject.tasks.untilTold(state)))
      const queued = rejection(runner.run(subject.tasks.append(log, 1)), 'a queued task')
      const delayed = rejection(runner.run(subject.tasks.append(log, 2), { delay: 1 }), 'a delayed task')
      await subject.until(state, 0, 1)
      runner.shutdown()
      assertError(await queued, 'RunnerClosedError', 'a queued task')
      assertError(await delayed, 'RunnerClosedError', 'a delayed task')
      Atomics.store(state, 1, 1)
      assertEqual(await running, 'told', 'the running task')
      await runner.closed
      assertEqual(log[0], 0, 'dropped tasks that ran')
    },
  },
  {
    title: 'W5 close runs what is queued to the end, and takes nothing new',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const log = subject.shared(8)
      for (const index of [1, 2, 3]) runner.postTask(subject.tasks.append(log, index))
      const closed = subject.watch(runner.close())
      assertError(
        await rejection(runner.run(subject.tasks.append(log, 4)), 'a post after close'),
        'RunnerClosedError',
        'a post after close',
      )
      await closed
      assertEqual([...log.subarray(0, 4)], [3, 1, 2, 3], 'what had run')
    },
  },
  {
    title: 'W6 a closed pool has finished what it took, and refuses everything',
    requires: ['shared memory'],
    async run(subject) {
      const pool = subject.pool()
      const runner = new SequencedTaskRunner(pool)
      const log = subject.shared()
      runner.postTask(subject.tasks.append(log, 1))
      await pool.close()
      assertEqual(log[0], 1, 'tasks that had run')
      assert(runner.isClosed && pool.isClosed, 'pool and runner must be closed')
      await pool.close()
    },
  },
  {
    title: 'W7 a post to a closed runner is reported with its reason',
    async run(subject) {
      const reports: string[] = []
      const pool = subject.pool({
        onTaskRejected: ({ runner, name, reason }) => void reports.push(`${runner.name} ${name} ${reason}`),
      })
      const runner = new SequencedTaskRunner(pool, { name: 'gone' })
      await runner.close()
      runner.postTask(subject.tasks.echo(1), { name: 'late' })
      assertEqual(reports, ['gone late runner-closed'], 'what the hook was told')
    },
  },
  {
    title: 'W6 an executor may be closed twice, and closed without ever having run anything',
    async run(subject) {
      await subject.executor.close()
      await subject.executor.close()
      await subject.executor.terminate()
    },
  },
]
