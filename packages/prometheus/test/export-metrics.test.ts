import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { exportMetrics } from '@posttask/prometheus'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { Gauge, Registry, register } from 'prom-client'
import { describe, expect, test } from 'vitest'

const fail = (): never => {
  throw new Error('expected')
}

const quiet = { onTaskError: () => {}, onTaskRejected: () => {} }

const poolIn = (env: TestEnvironment, name: string): ThreadPool =>
  new ThreadPool({ executor: env.createExecutor({ maxConcurrency: 3 }), name, ...quiet })

/** The lines of a scrape without the comments, sorted; those of one metric where it is named. */
const scrape = async (registry: Registry, name = ''): Promise<string[]> =>
  (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith(name) && line !== '' && !line.startsWith('#'))
    .toSorted()

const close = async (env: TestEnvironment, pool: ThreadPool): Promise<void> => {
  const closing = pool.close()
  await env.advanceBy(1000)
  await closing
}

describe('the metrics of a pool', () => {
  test('G-194 queue, runs, outcomes and slots, by pool, runner and kind', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry })
    const runner = new SequencedTaskRunner(pool, { name: 'runner-a', queueLimit: 8 })
    runner.postTask(fail)
    runner.postTask(() => {})
    runner.postTask(() => {}).cancel()
    await env.runUntilIdle()
    runner.postTask((context) => context.sleep(100))
    await env.runUntilIdle()
    for (let n = 0; n < 8; n++) runner.postTask(() => {})
    runner.postTask(() => {}, { name: 'one too many' })
    runner.postDelayedTask(() => {}, 500)
    runner.postRepeatingTask(() => {}, 1000)
    const a = 'pool="main",runner="runner-a",kind="sequenced"'
    expect(await scrape(registry)).toEqual(
      [
        'posttask_pool_runners{pool="main"} 1',
        'posttask_pool_slots_active{pool="main"} 1',
        'posttask_pool_slots{pool="main"} 3',
        `posttask_queue_depth{${a}} 8`,
        `posttask_tasks_cancelled_total{${a}} 1`,
        `posttask_tasks_completed_total{${a}} 1`,
        `posttask_tasks_delayed{${a}} 1`,
        `posttask_tasks_failed_total{${a}} 1`,
        `posttask_tasks_rejected_total{pool="main",runner="runner-a",kind="sequenced",reason="queue-full"} 1`,
        `posttask_tasks_repeating{${a}} 1`,
        `posttask_tasks_running{${a}} 1`,
        `posttask_tasks_timed_out_total{${a}} 0`,
      ].toSorted(),
    )
    await close(env, pool)
  })

  test('G-194 histograms, where asked for: seconds, by priority', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry, histograms: [0.05, 0.5] })
    const runner = new SequencedTaskRunner(pool, { name: 'a' })
    runner.postTask((context) => context.sleep(100))
    runner.postTask((context) => context.sleep(30), { priority: 'user-blocking' })
    await env.advanceBy(130)
    const labels = (priority: string) => `pool="main",runner="a",kind="sequenced",priority="${priority}"`
    const lines = await scrape(registry, 'posttask_task_')
    expect(lines).toContain(`posttask_task_duration_seconds_bucket{le="0.05",${labels('user-visible')}} 0`)
    expect(lines).toContain(`posttask_task_duration_seconds_bucket{le="0.5",${labels('user-visible')}} 1`)
    expect(lines).toContain(`posttask_task_duration_seconds_sum{${labels('user-visible')}} 0.1`)
    expect(lines).toContain(`posttask_task_duration_seconds_count{${labels('user-blocking')}} 1`)
    expect(lines).toContain(`posttask_task_wait_seconds_sum{${labels('user-blocking')}} 0.1`)
    await close(env, pool)
  })

  test('a task that never started has waited, and has not run', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry, histograms: true })
    const runner = new SequencedTaskRunner(pool, { name: 'a' })
    runner.postTask((context) => context.sleep(100))
    runner.postTask(() => {}).cancel()
    await env.advanceBy(100)
    const labels = '{pool="main",runner="a",kind="sequenced",priority="user-visible"}'
    expect(await scrape(registry, 'posttask_task_wait_seconds_count')).toEqual([`posttask_task_wait_seconds_count${labels} 2`])
    expect(await scrape(registry, 'posttask_task_duration_seconds_count')).toEqual([
      `posttask_task_duration_seconds_count${labels} 1`,
    ])
    await close(env, pool)
  })

  test('without histograms nothing reads the clock for a task', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry })
    const runner = new SequencedTaskRunner(pool)
    runner.postTask((context) => context.sleep(10))
    await env.advanceBy(10)
    expect([runner.stats().completed, runner.stats().runMs]).toEqual([1, undefined])
    expect(await scrape(registry, 'posttask_task_')).toEqual([])
    await close(env, pool)
  })

  test('W5 a counter does not go back when its runner closes, and goes on with the next of that name', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry })
    for (let round = 1; round <= 3; round++) {
      const runner = new SequencedTaskRunner(pool, { name: 'job' })
      runner.postTask(() => {})
      runner.postTask(fail)
      const closed = runner.close()
      await env.runUntilIdle()
      await closed
    }
    const job = '{pool="main",runner="job",kind="sequenced"}'
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([`posttask_tasks_completed_total${job} 3`])
    expect(await scrape(registry, 'posttask_tasks_failed')).toEqual([`posttask_tasks_failed_total${job} 3`])
    expect(await scrape(registry, 'posttask_pool_runners')).toEqual(['posttask_pool_runners{pool="main"} 0'])
    await close(env, pool)
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([`posttask_tasks_completed_total${job} 3`])
  })

  test('runners without a name share the series of their kind', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry })
    for (let n = 0; n < 100; n++) new SequencedTaskRunner(pool).postTask(() => {})
    new ParallelTaskRunner(pool, { maxConcurrency: 2 }).postTask(() => {})
    await env.runUntilIdle()
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([
      'posttask_tasks_completed_total{pool="main",runner="parallel",kind="parallel"} 1',
      'posttask_tasks_completed_total{pool="main",runner="sequenced",kind="sequenced"} 100',
    ])
    await close(env, pool)
  })

  test('two scrapes give the same numbers: reading does not add', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    using _metrics = exportMetrics(pool, { registry })
    new SequencedTaskRunner(pool, { name: 'a' }).postTask(() => {})
    await env.runUntilIdle()
    const first = await scrape(registry)
    expect(await scrape(registry)).toEqual(first)
    expect(first).toContain('posttask_tasks_completed_total{pool="main",runner="a",kind="sequenced"} 1')
    await close(env, pool)
  })
})

describe('one registry', () => {
  test('several pools are told apart by name', async () => {
    await using env = createTestEnvironment()
    const registry = new Registry()
    const pools = ['cpu', 'io'].map((name) => poolIn(env, name))
    const exporters = pools.map((pool) => exportMetrics(pool, { registry, histograms: true }))
    for (const pool of pools) new SequencedTaskRunner(pool, { name: 'r' }).postTask(() => {})
    await env.runUntilIdle()
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([
      'posttask_tasks_completed_total{pool="cpu",runner="r",kind="sequenced"} 1',
      'posttask_tasks_completed_total{pool="io",runner="r",kind="sequenced"} 1',
    ])
    exporters[0]?.[Symbol.dispose]()
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([
      'posttask_tasks_completed_total{pool="io",runner="r",kind="sequenced"} 1',
    ])
    for (const pool of pools) await close(env, pool)
  })

  test('G-195 two exporters of a pool share the collectors: nothing is counted twice, the last one takes it out', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    const [first, second] = [1, 2].map(() => exportMetrics(pool, { registry, histograms: true }))
    const runner = new SequencedTaskRunner(pool, { name: 'a', queueLimit: 1 })
    for (let n = 0; n < 3; n++) runner.postTask(() => {})
    await env.runUntilIdle()
    const a = 'pool="main",runner="a",kind="sequenced"'
    const counts = async () => [
      ...(await scrape(registry, 'posttask_tasks_completed')),
      ...(await scrape(registry, 'posttask_tasks_rejected')),
      ...(await scrape(registry, 'posttask_task_duration_seconds_count')),
    ]
    const expected = [
      `posttask_tasks_completed_total{${a}} 2`,
      `posttask_tasks_rejected_total{${a},reason="queue-full"} 1`,
      `posttask_task_duration_seconds_count{${a},priority="user-visible"} 2`,
    ]
    expect(await counts()).toEqual(expected)
    first?.[Symbol.dispose]()
    first?.[Symbol.dispose]()
    expect(await counts()).toEqual(expected)
    second?.[Symbol.dispose]()
    expect(await scrape(registry, 'posttask_tasks_completed')).toEqual([])
    await close(env, pool)
  })

  test('the series of a pool go with its last exporter, unless another pool has its name', async () => {
    await using env = createTestEnvironment()
    const registry = new Registry()
    const pools = ['main', 'main', 'io'].map((name) => poolIn(env, name))
    const [first, second, other] = pools.map((pool) => exportMetrics(pool, { registry, histograms: true }))
    for (const [index, pool] of pools.entries()) {
      const runner = new SequencedTaskRunner(pool, { name: `r${index}`, queueLimit: 1 })
      for (let n = 0; n < 3; n++) runner.postTask(() => {})
    }
    await env.runUntilIdle()
    const runners = async () => {
      const found = async (name: string) =>
        new Set((await scrape(registry, name)).map((line) => /runner="(.*?)"/.exec(line)?.[1]))
      return Promise.all(['posttask_tasks_rejected', 'posttask_task_wait', 'posttask_task_duration'].map(found))
    }
    const all = new Set(['r0', 'r1', 'r2'])
    const last = new Set(['r2'])
    expect(await runners()).toEqual([all, all, all])
    first?.[Symbol.dispose]()
    expect(await runners()).toEqual([all, all, all])
    second?.[Symbol.dispose]()
    expect(await runners()).toEqual([last, last, last])
    other?.[Symbol.dispose]()
    expect(await scrape(registry)).toEqual([])
    for (const pool of pools) await close(env, pool)
  })

  test.each(['tasks_rejected_total', 'queue_depth', 'tasks_failed_total', 'task_wait_seconds'])(
    'what was taken out of it stays out while it has another metric of ours, such as %s',
    async (name) => {
      await using env = createTestEnvironment()
      const [pool, other] = ['main', 'io'].map((one) => poolIn(env, one)) as [ThreadPool, ThreadPool]
      const registry = new Registry()
      const names = () => registry.getMetricsAsArray().map((metric) => metric.name)
      using _metrics = exportMetrics(pool, { registry, histograms: true })
      const all = names()
      const left = `posttask_${name}`
      for (const one of all) if (one !== left) registry.removeSingleMetric(one)
      using _others = exportMetrics(other, { registry, histograms: true })
      expect(names()).toEqual([left])
      registry.removeSingleMetric(left)
      using _anew = exportMetrics(other, { registry, histograms: true })
      expect(names()).toEqual(all)
      for (const one of [pool, other]) await close(env, one)
    },
  )

  test.each(['tasks_rejected_total', 'queue_depth', 'tasks_cancelled_total', 'task_wait_seconds', 'task_duration_seconds'])(
    'where somebody else has a %s, an exporter says so and leaves nothing of the pool, and another prefix is fine',
    async (name) => {
      await using env = createTestEnvironment()
      const pool = poolIn(env, 'main')
      const registry = new Registry()
      const names = () => registry.getMetricsAsArray().map((metric) => metric.name)
      new Gauge({ name: `posttask_${name}`, help: 'Of somebody else.', registers: [registry] })
      const attempt = () => exportMetrics(pool, { registry, histograms: true })
      expect(attempt).toThrow(new RegExp(`exportMetrics .* posttask_${name} .* prefix`))
      expect(attempt).toThrow(`posttask_${name}`)
      expect(await scrape(registry, 'posttask_pool_slots{')).toEqual([])
      const isOfDurations = name.startsWith('task_')
      expect(names().filter((one) => one.startsWith('posttask_task_'))).toEqual(isOfDurations ? [`posttask_${name}`] : [])
      if (!isOfDurations) expect(names()).toEqual([`posttask_${name}`])
      using _other = exportMetrics(pool, { registry, prefix: 'app_', histograms: true })
      expect(await scrape(registry, 'app_pool_slots{')).toEqual(['app_pool_slots{pool="main"} 3'])
      await close(env, pool)
    },
  )

  test('after it was cleared, the next exporter registers anew; another prefix is another set', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'main')
    const registry = new Registry()
    exportMetrics(pool, { registry, histograms: true })
    registry.clear()
    expect(await scrape(registry)).toEqual([])
    using _again = exportMetrics(pool, { registry })
    using _other = exportMetrics(pool, { registry, prefix: 'app_' })
    expect(await scrape(registry, 'posttask_pool_slots{')).toEqual(['posttask_pool_slots{pool="main"} 3'])
    expect(await scrape(registry, 'app_pool_slots{')).toEqual(['app_pool_slots{pool="main"} 3'])
    await close(env, pool)
  })

  test('by default it is the global one', async () => {
    await using env = createTestEnvironment()
    const pool = poolIn(env, 'global')
    using _metrics = exportMetrics(pool)
    expect(await scrape(register, 'posttask_pool_slots{')).toEqual(['posttask_pool_slots{pool="global"} 3'])
    register.clear()
    await close(env, pool)
  })
})
