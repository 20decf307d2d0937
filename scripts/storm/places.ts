import {
  type BoundTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  type PostOptions,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type ThreadPool,
} from '@posttask/core'
import { tasks } from './kinds.ts'

/** Where a task can be posted. `order`: the tasks that were, where one has to follow the other. */
export interface Place {
  readonly order: number[] | undefined
  run(task: BoundTask, options: PostOptions | undefined): Promise<unknown>
}

/** Runners of every kind on one pool. */
export const placesOn = (pool: ThreadPool<BoundTask>): readonly Place[] => {
  const keyed = new KeyedTaskRunner(pool, { maxConcurrency: 2 })
  const dedicated = new SingleThreadTaskRunner(pool, { init: tasks['init']?.() as BoundTask, onThreadLost: 'restart' })
  const parallel = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  const sequences = [
    new SequencedTaskRunner(pool),
    new SequencedTaskRunner(pool, { priority: 'user-blocking' }),
    dedicated,
    keyed.forKey('a'),
    keyed.forKey('b'),
    keyed.forKey('c'),
  ]
  return [
    { order: undefined, run: (task, options) => parallel.run(task, options) },
    ...sequences.map((sequence) => ({
      order: [] as number[],
      run: (task: BoundTask, options: PostOptions | undefined) => sequence.run(task, options),
    })),
  ]
}
