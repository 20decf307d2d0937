import { ParallelTaskRunner, SequencedTaskRunner } from '@posttask/core'
import { assert, assertEqual, assertError, thrown } from './assertions.ts'
import type { ConformanceCase } from './conformance-case.ts'

/** Delayed and repeating tasks, on the executor's clock. */
export const timeCases: readonly ConformanceCase[] = [
  {
    title: 'D1 a delayed task never starts early',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const { clock } = subject.executor
      for (const delay of [0, 1, 7.5, 20]) {
        const start = clock.now()
        await runner.run(subject.tasks.echo(delay), { delay })
        const passed = clock.now() - start
        assert(passed >= delay, `a delay of ${delay} ms ended after ${passed} ms`)
      }
    },
  },
  {
    title: 'D1 equal delays keep posting order',
    async run(subject) {
      const order: number[] = []
      const runner = new SequencedTaskRunner(subject.pool())
      await Promise.all(
        [0, 1, 2, 3, 4].map((index) => runner.run(subject.tasks.echo(index), { delay: 10 }).then(() => order.push(index))),
      )
      assertEqual(order, [0, 1, 2, 3, 4], 'the order of the outcomes')
    },
  },
  {
    title: 'D2 a delay that is negative, infinite or no number is a RangeError at the call',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1' as unknown as number]) {
        assertError(
          thrown(() => runner.postDelayedTask(subject.tasks.echo(1), delay), String(delay)),
          'RangeError',
          `a delay of ${delay}`,
        )
        assertError(
          thrown(() => runner.postRepeatingTask(subject.tasks.echo(1), delay), String(delay)),
          'RangeError',
          `an interval of ${delay}`,
        )
      }
    },
  },
  {
    title: 'D3 a repeating task never overlaps itself, on a parallel runner too',
    requires: ['shared memory'],
    async run(subject) {
      const runner = new ParallelTaskRunner(subject.pool(), { maxConcurrency: 4 })
      const state = subject.shared()
      const repeating = runner.postRepeatingTask(subject.tasks.stay(state, 3), 1, { mode: 'fixed-rate' })
      await subject.waitFor(() => repeating.runCount >= 4, 'four runs')
      repeating.stop()
      await runner.waitIdle()
      assertEqual(state[1], 1, 'runs at the same time')
      assertEqual(repeating.state, 'stopped', 'the state in the end')
    },
  },
  {
    title: 'D4 a run that throws is reported, and the repetition goes on',
    async run(subject) {
      let failures = 0
      const pool = subject.pool({ onTaskError: () => void failures++ })
      const runner = new SequencedTaskRunner(pool)
      const repeating = runner.postRepeatingTask(subject.tasks.fail('tick'), 1)
      await subject.waitFor(() => failures >= 3, 'three reports')
      assert(repeating.state === 'scheduled' || repeating.state === 'running', `the repetition is ${repeating.state}`)
      repeating.stop()
      await runner.waitIdle()
    },
  },
  {
    title: 'D5 stop prevents every later start',
    async run(subject) {
      const runner = new SequencedTaskRunner(subject.pool())
      const repeating = runner.postRepeatingTask(subject.tasks.echo(1), 2)
      await subject.waitFor(() => repeating.runCount >= 2, 'two runs')
      repeating.stop()
      const { runCount } = repeating
      await subject.delay(10)
      assertEqual(repeating.runCount, runCount, 'runs after stop')
    },
  },
]
