import { ParallelTaskRunner, SequencedTaskRunner, SingleThreadTaskRunner, type Task, type TaskErrorEvent } from '@posttask/core'
import { assert, assertEqual, assertError, rejection, thrown } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'
import type { Subject } from './subject.ts'

/** A runner with a task that was sent to its thread, and not started there when the thread dies. 1 is `init`, 2 the task. */
const loseThread = async (subject: Subject, onThreadLost: 'close' | 'restart') => {
  const [state, log] = [subject.shared(), subject.shared(8)]
  const runner = new SingleThreadTaskRunner(subject.pool(), { init: subject.tasks.append(log, 1), onThreadLost })
  await runner.run(subject.tasks.leaveCrash(state))
  await subject.until(state, 0, 1)
  const behind = subject.watch(runner.run(subject.tasks.append(log, 2)))
  await subject.waitFor(() => runner.stats().running === 1, 'the task to be sent')
  Atomics.store(state, 1, 1)
  return { runner, log, behind }
}

/** What goes wrong, and what it does to nobody else. */
export const failureCases: readonly ConformanceCase[] = [
  {
    title: 'F2 a posted task that fails goes to the error hook, once, and harms nothing else',
    async run(subject) {
      const events: TaskErrorEvent[] = []
      const runner = new SequencedTaskRunner(subject.pool({ onTaskError: (event) => void events.push(event) }), { name: 'files' })
      runner.postTask(subject.tasks.fail('posted'), { name: 'doomed' })
      assertEqual(await runner.run(subject.tasks.echo(2)), 2, 'the task behind it')
      assertEqual(
        events.map(({ runner: on, name, error }) => [on.name, name, (error as Error).message]),
        [['files', 'doomed', 'posted']],
        'the events',
      )
    },
  },
  {
    title: 'F4 an argument that cannot be copied is named by its path',
    requires: ['a copying boundary'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const argument = { items: [1, { callback: () => 1 }] }
      const error = await rejection(runner.run(subject.tasks.echo(argument)), 'a function in an argument')
      assertError(error, 'TaskSerializationError', 'a function in an argument')
      assertEqual((error as { path?: string }).path, 'args[0].items[1].callback', 'the path')
      assertEqual(await runner.run(subject.tasks.echo(1)), 1, 'the task behind it')
    },
  },
  {
    title: 'F4 a result that cannot be copied is named by its path',
    requires: ['a copying boundary'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const error = await rejection(runner.run(subject.tasks.uncloneable()), 'a function in a result')
      assertError(error, 'TaskSerializationError', 'a function in a result')
      assertEqual((error as { path?: string }).path, 'result.list[1].callback', 'the path')
      assertEqual(await runner.run(subject.tasks.echo(1)), 1, 'the task behind it')
    },
  },
  {
    title: 'F5 a thread that dies rejects what ran on it; what is queued goes on',
    requires: ['threads', 'terminate'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const crashed = rejection(runner.run(subject.tasks.crash(3)), 'a task whose thread exits')
      const behind = subject.watch(runner.run(subject.tasks.echo('behind')))
      const error = await crashed
      assertError(error, 'WorkerCrashedError', 'a task whose thread exits')
      assertEqual((error as { exitCode?: number }).exitCode, 3, 'the exit code')
      assertEqual(await behind, 'behind', 'the task behind it')
    },
  },
  {
    title: 'F5 a thread that dies takes no task of another thread with it',
    requires: ['threads', 'terminate', 'two slots', 'shared memory'],
    async run(subject) {
      const [a, b] = [new SequencedTaskRunner(subject.pool()), new SequencedTaskRunner(subject.pool())]
      const state = subject.shared()
      const spared = subject.watch(a.run(subject.tasks.untilTold(state)))
      await subject.until(state, 0, 1)
      assertError(await rejection(b.run(subject.tasks.crash(1)), 'the crash'), 'WorkerCrashedError', 'the crash')
      Atomics.store(state, 1, 1)
      assertEqual(await spared, 'told', 'the task on the other thread')
    },
  },
  {
    title: 'S4 a single-thread runner whose thread dies closes and rejects what is queued',
    requires: ['threads', 'terminate'],
    async run(subject) {
      const runner = new SingleThreadTaskRunner(subject.pool())
      const crashed = rejection(runner.run(subject.tasks.crash(1)), 'the crash')
      const behind = rejection(runner.run(subject.tasks.echo(1)), 'the task behind')
      assertError(await crashed, 'WorkerCrashedError', 'the crash')
      assertError(await behind, 'WorkerCrashedError', 'the task behind')
      assert(runner.isClosed, 'the runner must be closed')
    },
  },
  {
    title: 'S4 a task that the lost thread had not started does not run once its runner has closed',
    requires: ['threads', 'terminate', 'shared memory'],
    async run(subject) {
      const { runner, log, behind } = await loseThread(subject, 'close')
      assertError(await rejection(behind, 'the task behind'), 'WorkerCrashedError', 'the task behind')
      assert(runner.isClosed, 'the runner must be closed')
      assertEqual([...log.subarray(0, 3)], [1, 1, 0], 'what ran')
    },
  },
  {
    title: "S4 with 'restart' init comes ahead of a task that the lost thread had not started",
    requires: ['threads', 'terminate', 'shared memory'],
    async run(subject) {
      const { runner, log, behind } = await loseThread(subject, 'restart')
      await behind
      assertEqual([...log.subarray(0, 4)], [3, 1, 1, 2], 'what ran')
      await runner.close()
    },
  },
  {
    title: 'F6 null, a non-task and what the executor does not take are TypeErrors at the call',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const closure = (): number => 1
      const wrong: unknown[] = [null, undefined, 5, {}, 'task']
      if (!subject.executor.accepts.includes('closure')) wrong.push(closure)
      for (const task of wrong)
        assertError(
          thrown(() => runner.postTask(task as Task), String(task)),
          'TypeError',
          String(task),
        )
      assertEqual(await runner.run(subject.tasks.echo(1)), 1, 'a task after the refusals')
    },
  },
  {
    title: 'a module that is not there, and a function that is not in it, are ModuleLoadErrors',
    requires: ['bound tasks'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      assertError(
        await rejection(runner.run(subject.missing('./no-such-module.js', 'x')), 'no such module'),
        'ModuleLoadError',
        'no such module',
      )
      assertError(
        await rejection(runner.run(subject.missing('tasks', 'noSuchFunction')), 'no such function'),
        'ModuleLoadError',
        'no such function',
      )
      assertEqual(await runner.run(subject.tasks.echo(1)), 1, 'a task after them')
    },
  },
  {
    title: 'F7 a reply gets the result; a failed task skips it and tells onError',
    requires: ['closures'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const replyTo = new SequencedTaskRunner(subject.pool())
      const seen: unknown[] = []
      const onError = (error: unknown): void => void seen.push((error as Error).message)
      runner.postTaskAndReply(subject.tasks.echo(7), (result) => void seen.push(result), { replyTo, onError })
      runner.postTaskAndReply(subject.tasks.fail('no reply'), () => void seen.push('never'), { replyTo, onError })
      await runner.waitIdle()
      await replyTo.waitIdle()
      assertEqual(seen, [7, 'no reply'], 'replies')
    },
  },
  {
    title: 'Q1 a full queue refuses, by promise and by hook',
    requires: ['shared memory'],
    async run(subject) {
      const rejected: string[] = []
      const pool = subject.pool({ onTaskRejected: ({ reason }) => void rejected.push(reason) })
      const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1, queueLimit: 1 })
      const state = subject.shared()
      const running = subject.watch(runner.run(subject.tasks.untilTold(state)))
      await subject.until(state, 0, 1)
      const queued = subject.watch(runner.run(subject.tasks.echo(1)))
      assertError(await rejection(runner.run(subject.tasks.echo(2)), 'one too many'), 'QueueFullError', 'one too many')
      runner.postTask(subject.tasks.echo(3))
      Atomics.store(state, 1, 1)
      assertEqual(await Promise.all([running, queued]), ['told', 1], 'what was accepted')
      assertEqual(rejected, ['queue-full'], 'what the hook was told')
    },
  },
]
