import { type Observer, ParallelTaskRunner, SequencedTaskRunner, type TaskRunner } from '@posttask/core'
import { checkSequenced, type ExploreEnvironment, explore, RaceError, RecordingObserver } from '@posttask/testing'
import { expect, test } from 'vitest'

/** An observer that calls back from each hook, as often as it is allowed to, doing what the schedule chooses. */
const meddler = (env: ExploreEnvironment, runners: readonly TaskRunner[], log: string[]): Observer => {
  let left = 6
  const meddle = (hook: string): void => {
    if (left === 0) return
    left--
    const runner = runners[left % runners.length] as TaskRunner
    const name = `from ${hook}`
    const act = env.choose(['nothing', 'post', 'cancel', 'flush', 'close'], name)
    if (act === 'post') runner.postTask(() => void log.push(name), { name })
    if (act === 'cancel') runner.postTask(() => log.push('must not run'), { name }).cancel()
    if (act === 'flush') runner.flush().catch(() => {})
    if (act === 'close') void runner.close()
  }
  return {
    onPosted: () => meddle('onPosted'),
    onStarted: () => meddle('onStarted'),
    onFinished: () => meddle('onFinished'),
  }
}

const meddledWith = async (env: ExploreEnvironment, observer: Observer, runners: TaskRunner[]): Promise<void> => {
  const pool = env.createPool()
  runners.push(
    new SequencedTaskRunner(pool, { name: 'sequence' }),
    new ParallelTaskRunner(pool, { name: 'parallel', maxConcurrency: 2 }),
  )
  pool.addObserver(observer)
  const outcomes = runners.flatMap((runner) =>
    ['a', 'b'].map((name) => runner.run(() => env.point(name), { name }).catch(() => undefined)),
  )
  await Promise.all(outcomes)
  await pool.close()
}

test('explore schedules what observers post, cancel, flush and close from every hook', async () => {
  const hooks = new Set<string>()
  const report = await explore(
    async (env) => {
      const log: string[] = []
      const runners: TaskRunner[] = []
      const recording = new RecordingObserver()
      const observer = meddler(env, runners, log)
      await meddledWith(
        env,
        {
          onPosted: (event) => {
            recording.onPosted(event)
            observer.onPosted?.(event)
          },
          onStarted: (event) => {
            recording.onStarted(event)
            observer.onStarted?.(event)
          },
          onFinished: (event) => {
            recording.onFinished(event)
            observer.onFinished?.(event)
          },
        },
        runners,
      )
      for (const name of log) hooks.add(name)
      expect(log).not.toContain('must not run')
      const sequence = recording.events.filter(({ runner }) => runner === 'sequence')
      expect(checkSequenced(sequence)).toEqual({ ok: true })
      for (const runner of runners) expect(runner.stats()).toMatchObject({ pending: 0, running: 0, delayed: 0 })
    },
    { seeds: 300, pool: { onTaskRejected: () => {} } },
  )
  expect(report.distinct).toBeGreaterThan(100)
  expect([...hooks].toSorted()).toEqual(['from onFinished', 'from onPosted', 'from onStarted'])
})

test('a race that only a hook brings about is found, and its schedule replayed', async () => {
  const program = async (env: ExploreEnvironment): Promise<void> => {
    const cell = env.cell('count', 0)
    const runner = new ParallelTaskRunner(env.createPool(), { maxConcurrency: 2, name: 'pool' })
    const increment = async (): Promise<void> => cell.set((await cell.get()) + 1)
    let followUp: Promise<void> | undefined
    runner.pool.addObserver({ onStarted: () => void (followUp ??= runner.run(increment, { name: 'follow-up' })) })
    await runner.run(increment, { name: 'first' })
    await followUp
    if ((await cell.get()) !== 2) throw new Error('lost')
  }
  const error = (await explore(program).catch((reason: unknown) => reason)) as RaceError
  expect(error).toBeInstanceOf(RaceError)
  const again = (await explore(program, { replay: error.replay }).catch((reason: unknown) => reason)) as RaceError
  expect(again.trace).toEqual(error.trace)
})
