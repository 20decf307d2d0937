import { ParallelTaskRunner, SequencedTaskRunner, type TaskRunner } from '@posttask/core'
import type { ExploreEnvironment } from '@posttask/testing'
import { type Race, request } from './race.ts'

const signUp = async (env: ExploreEnvironment, runner: TaskRunner): Promise<void> => {
  const rows: string[] = []
  const users = env.service('users', {
    exists: (name: string) => rows.includes(name),
    insert: (name: string) => void rows.push(name),
  })
  const create = async (name: string): Promise<void> => {
    if (!(await users.exists(name))) await users.insert(name)
  }
  await Promise.all([request(env, runner, 'first', () => create('ada')), request(env, runner, 'second', () => create('ada'))])
  if (rows.length !== 1) throw new Error(`ada was created ${rows.length} times`)
}

/** Both requests see that the user is missing before either creates it. The fix: check and create in one sequence. */
export const doubleCreate: Race = {
  title: 'double create',
  broken: (env) => signUp(env, new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'sign-up' })),
  fixed: (env) => signUp(env, new SequencedTaskRunner(env.pool, { name: 'sign-up' })),
}
