import { ParallelTaskRunner, SequencedTaskRunner, SingleThreadTaskRunner } from '@posttask/core'
import { assert, assertEqual } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'

const countUp = (length: number): number[] => Array.from({ length }, (_, index) => index)

/** Which task starts when, and beside which. */
export const orderCases: readonly ConformanceCase[] = [
  {
    title: 'S1 a sequence runs its tasks in posting order',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const log = subject.shared(302)
      for (const index of countUp(300))
        runner.postTask(subject.tasks.append(log, index), { priority: index % 2 === 0 ? 'best-effort' : 'user-blocking' })
      await runner.waitIdle()
      assertEqual([...log.subarray(1, 301)], countUp(300), 'the order of the runs')
    },
  },
  {
    title: 'S2 a sequence never has two tasks inside, awaits included',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const state = subject.shared()
      await Promise.all(countUp(20).map(() => runner.run(subject.tasks.stay(state, 1))))
      assertEqual([...state.subarray(0, 2)], [0, 1], 'tasks inside, now and at the most')
    },
  },
  {
    title: 'S2 two sequences do not wait for each other',
    requires: ['shared memory', 'two slots'],
    async run(subject) {
      const [a, b] = [new SequencedTaskRunner(subject.pool()), new SequencedTaskRunner(subject.pool())]
      const state = subject.shared()
      assertEqual(
        await Promise.all([a.run(subject.tasks.meet(state, 2)), b.run(subject.tasks.meet(state, 2))]),
        [true, true],
        'both met',
      )
    },
  },
  {
    title: 'S3 a post never runs the task before it returns',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const handle = runner.postTask(subject.tasks.echo(1))
      assertEqual(handle.state, 'queued', 'the state right after the post')
      await runner.waitIdle()
      assertEqual(handle.state, 'succeeded', 'the state in the end')
    },
  },
  {
    title: 'S3 a task that posts to its own runner goes to the tail',
    requires: ['closures'],
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const seen: string[] = []
      runner.postTask(() => {
        seen.push('first')
        runner.postTask(() => void seen.push('posted by the first'))
      })
      runner.postTask(() => void seen.push('second'))
      await runner.waitQuiescent()
      assertEqual(seen, ['first', 'second', 'posted by the first'], 'the order of the runs')
    },
  },
  {
    title: 'S4 a single-thread runner keeps its thread and the state of its modules',
    async run(subject) {
      const runner = new SingleThreadTaskRunner(subject.pool())
      const counts = await Promise.all(countUp(5).map(() => runner.run(subject.tasks.count())))
      const first = counts[0] as number
      assertEqual(
        counts,
        countUp(5).map((index) => first + index),
        'the counter in the module',
      )
    },
  },
  {
    title: 'S4 a single-thread runner of a pool of threads shares its thread with nobody',
    requires: ['threads', 'terminate'],
    async run(subject) {
      const own = new SingleThreadTaskRunner(subject.pool())
      const other = new SequencedTaskRunner(subject.pool())
      await Promise.all(countUp(5).map(() => other.run(subject.tasks.count())))
      assertEqual(await own.run(subject.tasks.count()), 1, 'the counter on a thread of its own')
    },
  },
  {
    title: 'P1 a parallel runner has its number of tasks inside, and no more',
    requires: ['shared memory', 'two slots'],
    async run(subject) {
      const runner = new ParallelTaskRunner(subject.pool(), { maxConcurrency: 2 })
      const state = subject.shared()
      await Promise.all([
        runner.run(subject.tasks.meet(subject.shared(), 1)),
        runner.run(subject.tasks.meet(subject.shared(), 1)),
      ])
      await Promise.all(countUp(20).map(() => runner.run(subject.tasks.stay(state, 1))))
      assert((state[1] as number) <= 2, `${state[1]} tasks were inside at once, of 2 allowed`)
      const meeting = subject.shared()
      await Promise.all(countUp(2).map(() => runner.run(subject.tasks.meet(meeting, 2))))
    },
  },
  {
    title: 'P2 the highest priority starts first',
    async run(subject) {
      const started: string[] = []
      const pool = subject.pool({ observer: { onStarted: ({ name }) => void started.push(name) } })
      const fence = pool.fence()
      const outcomes = (['best-effort', 'user-visible', 'user-blocking'] as const).map((priority) => {
        const runner = new SequencedTaskRunner(pool, { priority })
        return runner.run(subject.tasks.echo(priority), { name: priority })
      })
      fence[Symbol.dispose]()
      await Promise.all(outcomes)
      assertEqual(started, ['user-blocking', 'user-visible', 'best-effort'], 'the order of the starts')
    },
  },
]
