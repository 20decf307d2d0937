import { ServerResponse } from 'node:http'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool, type ThreadPoolOptions } from '@posttask/core'
import { type Trace, validateTrace } from '@posttask/diagnostics'
import { type InspectorOptions, startInspector } from '@posttask/inspector'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test, vi } from 'vitest'
import type { PoolSnapshot, RunnerSnapshot, SliceSnapshot } from '../src/snapshot.ts'
import { ask, tokenOf } from './ask.ts'
import { openEvents } from './open-events.ts'

/** A pool on virtual time with an inspector, which serves in real time. */
const inspected = async ({ pool: poolOptions, ...options }: InspectorOptions & { pool?: Partial<ThreadPoolOptions> } = {}) => {
  const env = createTestEnvironment()
  const quiet = { onTaskError: () => {}, onTaskRejected: () => {} }
  const pool = new ThreadPool({ executor: env.createExecutor(), name: 'main', ...quiet, ...poolOptions })
  const inspector = await startInspector(pool, options)
  return {
    env,
    pool,
    url: inspector.url,
    at: (path: string) => new URL(path, inspector.url),
    token: tokenOf(inspector.url),
    [Symbol.asyncDispose]: async () => {
      await inspector[Symbol.asyncDispose]()
      const ended = pool.terminate()
      await env.advanceBy(0)
      await ended
      await env[Symbol.asyncDispose]()
    },
  }
}

const named = (pools: readonly PoolSnapshot[], name: string): RunnerSnapshot => {
  const found = pools.flatMap(({ runners }) => runners).find((runner) => runner.name === name)
  if (found === undefined) throw new Error(`no runner ${name}`)
  return found
}

/** Counts the observers that a pool gets from now on, and tells when the next is taken out. */
const countObservers = (pool: ThreadPool) => {
  const add = pool.addObserver.bind(pool)
  const waiting: (() => void)[] = []
  const observers = { count: 0, nextGone: () => new Promise<void>((resolve) => waiting.push(resolve)) }
  vi.spyOn(pool, 'addObserver').mockImplementation((observer) => {
    observers.count++
    const observing = add(observer)
    return {
      [Symbol.dispose]: () => {
        observers.count--
        observing[Symbol.dispose]()
        for (const tell of waiting.splice(0)) tell()
      },
    }
  })
  return observers
}

describe('the page', () => {
  test('is served whole, under a policy that lets in nothing else', async () => {
    await using it = await inspected()
    const { status, headers, body } = await ask(it.url)
    expect(status).toBe(200)
    const policy = headers['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe')
    const needed = new Set([...body.matchAll(/(?:href|src)="(\/[^"]+\.\w+)"/g)].map(([, path]) => path as string))
    expect(needed.size).toBe(2)
    for (const path of needed) {
      const file = await ask(it.at(path))
      expect([path, file.status]).toEqual([path, 200])
      expect(file.headers['content-security-policy']).toBe(policy)
      for (const [, name] of file.body.matchAll(/from '\.(\/[^']+)'/g)) needed.add(name as string)
    }
    expect(needed).toContain('/lane-view.js')
  })

  test('answers to names of this machine only, whatever is asked for', async () => {
    await using it = await inspected()
    const { port } = new URL(it.url)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST'])
      expect((await ask(it.url, 'GET', { host })).status).toBe(200)
    for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, `localhost.:${port}`]) {
      for (const path of ['/', '/page.js', '/events', '/report', '/nowhere']) {
        expect([host, path, (await ask(it.at(path), 'GET', { host })).status]).toEqual([host, path, 403])
      }
      expect((await ask(it.at('/trace/start'), 'POST', { host, ...it.token })).status).toBe(403)
    }
  })

  test('may be linked to from other sites, which can read nothing else', async () => {
    await using it = await inspected()
    const from = { 'sec-fetch-site': 'cross-site' }
    expect((await ask(it.url, 'GET', from)).status).toBe(200)
    for (const path of ['/events', '/report', '/page.js']) expect((await ask(it.at(path), 'GET', from)).status).toBe(403)
    expect((await ask(it.at('/report'), 'GET', { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  test('is not kept for who does not read it', async () => {
    await using it = await inspected()
    const setTimeout = vi.spyOn(ServerResponse.prototype, 'setTimeout')
    setTimeout.mockImplementationOnce(function (this: ServerResponse, _ms, timedOut?: () => void) {
      timedOut?.()
      return this
    })
    await expect(ask(it.url)).rejects.toThrow('socket hang up')
    setTimeout.mockRestore()
  })

  test('says so where there is nothing, and where a method means nothing', async () => {
    await using it = await inspected()
    expect((await ask(it.at('/../package.json'))).status).toBe(404)
    expect((await ask(it.at('/nowhere'), 'POST', it.token)).status).toBe(404)
    expect((await ask(it.url, 'DELETE', it.token)).status).toBe(405)
  })

  test('has the report of the pools in words', async () => {
    await using it = await inspected()
    const runner = new SequencedTaskRunner(it.pool, { name: 'db' })
    runner.postTask((context) => context.sleep(1000), { name: 'query' })
    await it.env.advanceBy(0)
    const { body } = await ask(it.at('/report'))
    expect(body).toBe(`${it.pool.describe()}\n`)
    expect(body).toContain('runs: "query"')
  })
})

describe('what is shown', () => {
  test('runners with their queues, figures, running and ended tasks', async () => {
    await using it = await inspected()
    const db = new SequencedTaskRunner(it.pool, { name: 'db', priority: 'user-blocking' })
    const net = new ParallelTaskRunner(it.pool, { name: 'net', maxConcurrency: 3 })
    using events = await openEvents(it.url)
    await events.until(() => true)
    db.postTask((context) => context.sleep(1000), { name: 'query' })
    db.postTask(() => {}, { name: 'commit' })
    net.postTask(() => Promise.reject(new Error('gone')), { name: 'load' })
    await it.env.advanceBy(0)
    const { pools } = await events.until((snapshot) => named(snapshot.pools, 'net').slices.length > 0)
    expect(pools[0]).toMatchObject({ name: 'main', slots: null, isClosed: false })
    expect(pools[0]?.all).toMatchObject({ runners: 2, pending: 1, running: 1, failed: 1 })
    expect(pools[0]?.rest).toMatchObject({ runners: 0, pending: 0, running: 0, failed: 0 })
    expect(named(pools, 'db')).toMatchObject({
      kind: 'sequenced',
      priority: 'user-blocking',
      maxConcurrency: 1,
      pending: 1,
      running: 1,
      isPaused: false,
      current: [{ name: 'query', runner: 'db' }],
    })
    expect(named(pools, 'net')).toMatchObject({
      kind: 'parallel',
      maxConcurrency: 3,
      failed: 1,
      slices: [{ name: 'load', outcome: 'failed' }],
      runMs: { p50: expect.any(Number), p99: expect.any(Number) },
    })
    expect(pools[0]?.longest.map(({ name }) => name)).toEqual(['query'])
    await it.env.advanceBy(1000)
    const later = await events.until((snapshot) => named(snapshot.pools, 'db').completed === 2)
    expect(named(later.pools, 'db').current).toEqual([])
    expect(later.pools[0]?.longest).toEqual([])
  })

  test('what a task failed with, and why it was cancelled: by a limit, by hand, before its start', async () => {
    await using it = await inspected()
    const runner = new ParallelTaskRunner(it.pool, { name: 'net', maxConcurrency: 4 })
    using events = await openEvents(it.url)
    await events.until(() => true)
    runner.postTask(() => Promise.reject(new TypeError('no route')), { name: 'fails' })
    runner.postTask((context) => context.sleep(50), { name: 'slow', timeout: 10 })
    const running = runner.postTask((context) => context.sleep(50), { name: 'unwanted' })
    await it.env.advanceBy(20)
    running.cancel('changed my mind')
    runner.postTask(() => {}, { name: 'never' }).cancel('too late')
    await it.env.advanceBy(50)
    const slices: SliceSnapshot[] = []
    const { pools } = await events.until((snapshot) => slices.push(...named(snapshot.pools, 'net').slices) === 4)
    expect(pools[0]?.all).toMatchObject({ failed: 1, cancelled: 2, timedOut: 1 })
    const told = slices.map(({ name, outcome, hasStarted, reason }) => [name, outcome, hasStarted, reason])
    // oxlint-disable-next-line typescript/require-array-sort-compare -- lists of words, in any fixed order
    expect(told.toSorted()).toEqual([
      ['fails', 'failed', true, 'TypeError: no route'],
      ['never', 'cancelled', false, 'too late'],
      ['slow', 'timed-out', true, expect.stringMatching(/^TaskTimeoutError: .*10 ms/)],
      ['unwanted', 'cancelled', true, 'changed my mind'],
    ])
  })

  test('by name what runs since before the page was opened, for how long where that was measured', async () => {
    for (const timing of [true, false]) {
      await using it = await inspected({ pool: { timing, traceOrigin: true } })
      const db = new SequencedTaskRunner(it.pool, { name: 'db' })
      db.postTask((context) => context.sleep(10_000), { name: 'query' })
      await it.env.advanceBy(5000)
      {
        using events = await openEvents(it.url)
        const { pools } = await events.until(() => true)
        const [running] = named(pools, 'db').current
        expect(running).toMatchObject({ name: 'query', isAgeKnown: timing, isCancelled: false })
        expect(running?.site).toMatch(/inspector\.test\.ts:\d+:\d+/)
        expect(pools[0]?.longest.map(({ name, ageMs }) => [name, ageMs >= 5000])).toEqual([['query', timing]])
        await it.env.advanceBy(5000)
        const later = await events.until((snapshot) => named(snapshot.pools, 'db').running === 0)
        expect([named(later.pools, 'db').current, later.pools[0]?.longest]).toEqual([[], []])
      }
    }
  })

  test('E5 the posting site of what waited when the page was opened, and was started since', async () => {
    await using it = await inspected({ pool: { traceOrigin: true } })
    const db = new SequencedTaskRunner(it.pool, { name: 'db' })
    for (const name of ['first', 'second']) db.postTask((context) => context.sleep(1000), { name })
    await it.env.advanceBy(0)
    using events = await openEvents(it.url)
    await events.until(() => true)
    await it.env.advanceBy(1000)
    const { pools } = await events.until((snapshot) => named(snapshot.pools, 'db').completed === 1)
    const [running] = named(pools, 'db').current
    expect([running?.name, running?.site]).toEqual(['second', expect.stringMatching(/inspector\.test\.ts:\d+:\d+/)])
    await it.env.advanceBy(1000)
  })

  test('C2 by name what was cancelled and has not stopped', async () => {
    await using it = await inspected()
    const db = new SequencedTaskRunner(it.pool, { name: 'db' })
    using events = await openEvents(it.url)
    await events.until(() => true)
    let stop = (): void => {}
    const stopped = new Promise<void>((resolve) => (stop = resolve))
    const handle = db.postTask(() => stopped, { name: 'stubborn' })
    await it.env.advanceBy(10)
    handle.cancel()
    const { pools } = await events.until((snapshot) => named(snapshot.pools, 'db').cancelled === 1)
    expect(named(pools, 'db').current).toMatchObject([{ name: 'stubborn', isCancelled: true, runner: 'db' }])
    stop()
    await it.env.advanceBy(0)
    const later = await events.until((snapshot) => named(snapshot.pools, 'db').running === 0)
    expect(named(later.pools, 'db').current).toEqual([])
  })

  test('E5 the posting site of running and of ended tasks, with traceOrigin', async () => {
    await using it = await inspected({ pool: { traceOrigin: true } })
    const runner = new SequencedTaskRunner(it.pool, { name: 'db' })
    using events = await openEvents(it.url)
    await events.until(() => true)
    runner.postTask((context) => context.sleep(1000), { name: 'query' })
    await it.env.advanceBy(0)
    const { pools } = await events.until((snapshot) => named(snapshot.pools, 'db').current.length > 0)
    expect(named(pools, 'db').current[0]?.site).toMatch(/inspector\.test\.ts:\d+:\d+/)
    await it.env.advanceBy(1000)
    const later = await events.until((snapshot) => named(snapshot.pools, 'db').slices.length > 0)
    expect(named(later.pools, 'db').slices[0]?.site).toMatch(/inspector\.test\.ts:\d+:\d+/)
  })

  test('several pools, and the threads of executors that tell of them', async () => {
    const env = createTestEnvironment()
    const executor = env.createExecutor()
    const thread = { threadId: 7, isBusy: true, utilization: 0.25, completed: 3, respawns: 0 }
    const telling = Object.assign(env.createExecutor(), { stats: () => ({ name: 'piscina', threads: [thread] }) })
    const pools = [new ThreadPool({ executor, name: 'one' }), new ThreadPool({ executor: telling, name: 'two' })]
    {
      await using inspector = await startInspector(pools, { executors: [executor, telling] })
      using events = await openEvents(inspector.url)
      const snapshot = await events.until(() => true)
      expect(snapshot.pools.map(({ name }) => name)).toEqual(['one', 'two'])
      const { threadId: id, ...rest } = thread
      expect(snapshot.executors).toEqual([{ name: 'piscina', threads: [{ id, ...rest }] }])
    }
    await Promise.all(pools.map((pool) => pool.close()))
    await env[Symbol.asyncDispose]()
  })

  test('of thousands of runners the busiest, with the sums of the rest', async () => {
    await using it = await inspected({ maxRunners: 3 })
    const runners = Array.from({ length: 3000 }, (_, index) => new SequencedTaskRunner(it.pool, { name: `user ${index}` }))
    using events = await openEvents(it.url)
    for (const runner of runners) runner.postTask((context) => context.sleep(60_000))
    for (const index of [2900, 17, 1500]) for (let i = 0; i < 5; i++) runners[index]?.postTask(() => {})
    await it.env.advanceBy(0)
    const { pools } = await events.until(({ pools: [pool] }) => pool?.all.running === 3000 && pool.all.pending === 15)
    expect(pools[0]?.runners.map(({ name }) => name).toSorted()).toEqual(['user 1500', 'user 17', 'user 2900'])
    expect(pools[0]?.rest).toMatchObject({ runners: 2997, running: 2997, pending: 0 })
    // Chosen once a second, but the ones that are shown are always up to date.
    runners[17]?.postTask(() => {})
    const later = await events.until((snapshot) => named(snapshot.pools, 'user 17').pending === 6)
    expect(later.pools[0]?.runners).toHaveLength(3)
    await it.env.advanceBy(60_000)
  })

  test('nothing of a runner that has closed', async () => {
    await using it = await inspected()
    const db = new SequencedTaskRunner(it.pool, { name: 'db' })
    const net = new SequencedTaskRunner(it.pool, { name: 'net' })
    using events = await openEvents(it.url)
    const id = named((await events.until(() => true)).pools, 'db').id
    await db.close()
    const { pools } = await events.until((snapshot) => snapshot.pools[0]?.runners.length === 1)
    expect(pools[0]?.runners.map(({ name }) => name)).toEqual([net.name])
    expect((await ask(it.at(`/runners/${id}/pause`), 'POST', it.token)).status).toBe(404)
  })
})

describe('what watching costs', () => {
  test('tasks are observed while somebody watches, once for all who do', async () => {
    const env = createTestEnvironment()
    const pool = new ThreadPool({ executor: env.createExecutor() })
    const observers = countObservers(pool)
    {
      await using inspector = await startInspector(pool)
      expect(observers.count).toBe(0)
      const first = await openEvents(inspector.url)
      const second = await openEvents(inspector.url)
      await first.until(() => true)
      await second.until(() => true)
      expect(observers.count).toBe(1)
      first[Symbol.dispose]()
      await second.until(() => true)
      expect(observers.count).toBe(1)
      const gone = observers.nextGone()
      second[Symbol.dispose]()
      await gone
      expect(observers.count).toBe(0)
      using third = await openEvents(inspector.url)
      await third.until(() => true)
      expect(observers.count).toBe(1)
    }
    expect(observers.count).toBe(0)
    await pool.close()
    await env[Symbol.asyncDispose]()
  })

  test('no more than sixteen pages', async () => {
    await using it = await inspected()
    const pages = await Promise.all(Array.from({ length: 17 }, () => openEvents(it.url)))
    const statuses = pages.map(({ response }) => response.statusCode)
    expect(statuses.filter((status) => status === 200)).toHaveLength(16)
    expect(statuses.filter((status) => status === 503)).toHaveLength(1)
    for (const page of pages) page[Symbol.dispose]()
  })
})

describe('what can be done', () => {
  test('nothing without the token, or with another', async () => {
    await using it = await inspected()
    const runner = new SequencedTaskRunner(it.pool, { name: 'db' })
    using events = await openEvents(it.url)
    const { id } = named((await events.until(() => true)).pools, 'db')
    const wrong = [{}, { authorization: 'Bearer ' }, { authorization: `${it.token.authorization}x` }, { authorization: 'x' }]
    for (const path of [`/runners/${id}/pause`, '/trace/start', '/trace/stop', '/nowhere'])
      for (const headers of wrong) expect((await ask(it.at(path), 'POST', headers)).status).toBe(403)
    // Nor by the URL, which other sites can make a browser send.
    expect((await ask(it.at(`/runners/${id}/pause?token=${it.token.authorization.slice(7)}`), 'POST')).status).toBe(403)
    const done = runner.run(() => 'ran')
    await it.env.advanceBy(0)
    expect(await done).toBe('ran')
    expect((await events.until(() => true)).recording).toBe(null)
  })

  test('a runner is paused and resumed', async () => {
    await using it = await inspected()
    const runner = new SequencedTaskRunner(it.pool, { name: 'db' })
    using events = await openEvents(it.url)
    const { id } = named((await events.until(() => true)).pools, 'db')
    // Twice is once.
    for (let i = 0; i < 2; i++) expect((await ask(it.at(`/runners/${id}/pause`), 'POST', it.token)).status).toBe(204)
    const handle = runner.postTask(() => {})
    await it.env.advanceBy(100)
    expect(handle.state).toBe('queued')
    expect(named((await events.until(({ pools }) => named(pools, 'db').pending === 1)).pools, 'db').isPaused).toBe(true)
    expect((await ask(it.at(`/runners/${id}/resume`), 'POST', it.token)).status).toBe(204)
    await it.env.advanceBy(0)
    expect(handle.state).toBe('succeeded')
    expect(named((await events.until(({ pools }) => named(pools, 'db').completed === 1)).pools, 'db').isPaused).toBe(false)
    expect((await ask(it.at('/runners/4711/pause'), 'POST', it.token)).status).toBe(404)
  })

  test('W5 a runner that closes is not paused, and cannot be', async () => {
    await using it = await inspected()
    const runners = ['db', 'net'].map((name) => new SequencedTaskRunner(it.pool, { name }))
    using events = await openEvents(it.url)
    const { pools } = await events.until(() => true)
    const pause = async (name: string) => (await ask(it.at(`/runners/${named(pools, name).id}/pause`), 'POST', it.token)).status
    for (const runner of runners) runner.postTask((context) => context.sleep(100))
    await it.env.advanceBy(0)
    expect(await pause('db')).toBe(204)
    await events.until((snapshot) => named(snapshot.pools, 'db').isPaused)
    for (const runner of runners) void runner.close()
    const closing = await events.until((snapshot) => named(snapshot.pools, 'db').isClosed)
    expect(named(closing.pools, 'db').isPaused).toBe(false)
    expect(await pause('net')).toBe(404)
    await it.env.advanceBy(100)
  })

  test('what is paused can be resumed when nobody watched for a while, and is shown however little it does', async () => {
    await using it = await inspected({ maxRunners: 1 })
    const db = new SequencedTaskRunner(it.pool, { name: 'db' })
    const gone = countObservers(it.pool).nextGone()
    const before = await openEvents(it.url)
    const { id } = named((await before.until(() => true)).pools, 'db')
    await ask(it.at(`/runners/${id}/pause`), 'POST', it.token)
    before[Symbol.dispose]()
    await gone
    const busy = new SequencedTaskRunner(it.pool, { name: 'busy' })
    for (let i = 0; i < 5; i++) busy.postTask(() => {})
    using events = await openEvents(it.url)
    const { pools } = await events.until(() => true)
    expect(pools[0]?.runners).toMatchObject([{ id, name: 'db', isPaused: true }])
    await ask(it.at(`/runners/${id}/resume`), 'POST', it.token)
    const done = db.run(() => 'ran')
    await it.env.advanceBy(0)
    expect(await done).toBe('ran')
  })

  test('a trace is recorded and saved', async () => {
    await using it = await inspected()
    const runner = new SequencedTaskRunner(it.pool, { name: 'db' })
    expect((await ask(it.at('/trace/stop'), 'POST', it.token)).status).toBe(409)
    expect((await ask(it.at('/trace/start'), 'POST', it.token)).status).toBe(204)
    using events = await openEvents(it.url)
    expect((await events.until(() => true)).recording).toMatchObject({ isFull: false })
    runner.postTask(() => {}, { name: 'query' })
    await it.env.advanceBy(0)
    const { status, headers, body } = await ask(it.at('/trace/stop'), 'POST', it.token)
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    const trace = JSON.parse(body) as Trace
    expect(validateTrace(trace)).toEqual([])
    expect(trace.traceEvents.filter(({ ph, args }) => ph === 'X' && args !== undefined).map(({ name }) => name)).toEqual([
      'query',
    ])
    expect((await ask(it.at('/trace/stop'), 'POST', it.token)).status).toBe(409)
  })
})
