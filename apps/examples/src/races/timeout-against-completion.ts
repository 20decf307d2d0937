import { SequencedTaskRunner } from '@posttask/core'
import type { ExploreEnvironment } from '@posttask/testing'
import type { Race } from './race.ts'

const timeoutMs = 10

/** Asks a slow service and gives the connection back, by whichever comes first: the answer or the time limit. */
const query = async (env: ExploreEnvironment, claim: () => boolean, hasEnded: { value: boolean }): Promise<void> => {
  let releases = 0
  const database = env.service('database', { query: () => 'rows' }, { latency: [timeoutMs, timeoutMs] })
  const audit = env.service('audit', { write: () => {} })
  const runner = new SequencedTaskRunner(env.pool, { name: 'queries' })
  const timers = new SequencedTaskRunner(env.pool, { name: 'timers' })
  const answer = runner.run(
    async () => {
      await database.query()
      if (!claim()) return
      await audit.write()
      hasEnded.value = true
      releases++
    },
    { name: 'query' },
  )
  await env.point('the request is on its way')
  const limit = timers.run(
    () => {
      if (!hasEnded.value && claim()) releases++
    },
    { delay: timeoutMs, name: 'time limit' },
  )
  await Promise.all([limit, answer])
  if (releases !== 1) throw new Error(`the connection was given back ${releases} times`)
}

/**
 * The answer arrives just when the time limit passes, and both give the connection back. The fix: whoever is first
 * claims the outcome at once, before it awaits anything.
 */
export const timeoutAgainstCompletion: Race = {
  title: 'timeout against completion',
  broken: (env) => query(env, () => true, { value: false }),
  fixed: (env) => {
    let isClaimed = false
    const claim = (): boolean => {
      const isFirst = !isClaimed
      isClaimed = true
      return isFirst
    }
    return query(env, claim, { value: false })
  },
}
