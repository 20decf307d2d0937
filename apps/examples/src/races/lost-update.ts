import { ParallelTaskRunner, SequencedTaskRunner, type TaskRunner } from '@posttask/core'
import type { ExploreEnvironment } from '@posttask/testing'
import { type Race, request } from './race.ts'

const deposit = async (env: ExploreEnvironment, runner: TaskRunner): Promise<void> => {
  const balance = env.cell('balance', 0)
  const add = async (amount: number): Promise<void> => balance.set((await balance.get()) + amount)
  await Promise.all([request(env, runner, 'one', () => add(1)), request(env, runner, 'two', () => add(1))])
  const total = await balance.get()
  if (total !== 2) throw new Error(`the balance is ${total} after two deposits of 1`)
}

/** Two tasks read, and each writes what it read plus one. The fix is the runner: a sequence is the lock. */
export const lostUpdate: Race = {
  title: 'lost update',
  broken: (env) => deposit(env, new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'deposits' })),
  fixed: (env) => deposit(env, new SequencedTaskRunner(env.pool, { name: 'deposits' })),
}
