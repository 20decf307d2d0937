import { ParallelTaskRunner, SequencedTaskRunner, type TaskRunner } from '@posttask/core'
import type { ExploreEnvironment } from '@posttask/testing'
import { type Race, request } from './race.ts'

const readAndWrite = async (env: ExploreEnvironment, runner: TaskRunner): Promise<void> => {
  let stored = 'old'
  let cached: string | undefined
  const database = env.service('database', {
    read: () => stored,
    write: (value: string) => {
      stored = value
    },
  })
  const read = async (): Promise<void> => {
    cached ??= await database.read()
  }
  const write = async (): Promise<void> => {
    await database.write('new')
    cached = undefined
  }
  await Promise.all([request(env, runner, 'read', read), request(env, runner, 'write', write)])
  if (cached !== undefined && cached !== stored) throw new Error(`the cache says "${cached}", the database "${stored}"`)
}

/**
 * A reader fetches the old value, a writer replaces it and empties the cache, and the reader fills it with what it has.
 * The fix: reads that fill and writes that empty are one sequence.
 */
export const staleCacheFill: Race = {
  title: 'stale cache fill',
  broken: (env) => readAndWrite(env, new ParallelTaskRunner(env.pool, { maxConcurrency: 2, name: 'cache' })),
  fixed: (env) => readAndWrite(env, new SequencedTaskRunner(env.pool, { name: 'cache' })),
}
