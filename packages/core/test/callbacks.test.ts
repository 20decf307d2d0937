// What the user's callbacks do in the middle of something: they find whole runners, and what they do counts (F3).
import { inlineExecutor } from '@posttask/backend-inline'
import {
  type Observer,
  ParallelTaskRunner,
  type RunnerOptions,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskRejectedEvent,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment, type TestEnvironmentOptions } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

const kinds = {
  sequenced: (pool: ThreadPool, options: RunnerOptions): TaskRunner => new SequencedTaskRunner(pool, options),
  'single-thread': (pool: ThreadPool, options: RunnerOptions): TaskRunner => new SingleThreadTaskRunner(pool, options),
  parallel: (pool: ThreadPool, options: RunnerOptions): TaskRunner =>
    new ParallelTaskRunner(pool, { maxConcurrency: 1, ...options }),
}

/** An environment whose pool tells `act` of the first task that is dropped from a full queue. */
const whenDropped = (act: (event: TaskRejectedEvent) => void, pool: TestEnvironmentOptions['pool'] = {}) => {
  let hasActed = false
  return createTestEnvironment({
    pool: {
      ...pool,
      onTaskRejected: (event) => {
        if (hasActed || event.reason !== 'dropped-oldest') return
        hasActed = true
        act(event)
      },
    },
  })
}

/** Posts a (which has a free slot), b, and c, which drops b. */
const overfill = (runner: TaskRunner, log: string[], options: { signal?: AbortSignal } = {}) => {
  const post = (name: string, more = {}) => runner.postTask(() => void log.push(name), { name, ...more })
  return [post('a'), post('b'), post('c', options)] as const
}

describe.each(Object.entries(kinds))('callbacks of a %s runner', (_kind, make) => {
  const makeBounded = (pool: ThreadPool): TaskRunner => make(pool, { queueLimit: 1, onFull: 'drop-oldest' })

  test('F3 W1 a flush from the hook that reports a drop, and a cancel of the post that dropped it', async () => {
    const log: string[] = []
    const env = whenDropped(() => {
      void runner.flush(() => void log.push('flushed'))
    })
    const runner = makeBounded(env.pool)
    const [a, b, c] = overfill(runner, log)
    expect(c.cancel()).toBe(true)
    await env.runUntilIdle()
    expect(log).toEqual(['a', 'flushed'])
    expect([a.state, b.state, c.state]).toEqual(['succeeded', 'rejected', 'cancelled'])
    expect(runner.stats()).toMatchObject({
      pending: 0,
      running: 0,
      barrierPending: false,
      completed: 1,
      cancelled: 1,
      rejected: 1,
    })
    await env[Symbol.asyncDispose]()
  })

  test('F3 W4 a shutdown from the hook that reports a drop counts for the post that dropped it', async () => {
    const log: string[] = []
    const dropped: string[] = []
    const env = whenDropped(() => {
      dropped.push(...runner.shutdown().dropped.map(({ name }) => name))
    })
    const runner = makeBounded(env.pool)
    const [, , c] = overfill(runner, log)
    await env.runUntilIdle()
    expect(dropped).toEqual(['a', 'c'])
    expect([log, c.state]).toEqual([[], 'rejected'])
    await env[Symbol.asyncDispose]()
  })

  test.each(['runner.close', 'pool.close', 'pool.terminate'])('F3 W6 %s from the hook that reports a drop', async (how) => {
    const log: string[] = []
    let ended: Promise<unknown> | undefined
    const pool = new ThreadPool({
      executor: inlineExecutor(),
      onTaskRejected: ({ reason }) => {
        if (reason !== 'dropped-oldest') return
        ended = how === 'runner.close' ? runner.close() : how === 'pool.close' ? pool.close() : pool.terminate()
      },
    })
    const runner = makeBounded(pool)
    overfill(runner, log)
    await ended
    // Closing runs what was accepted; terminating runs nothing more.
    expect(log).toEqual(how === 'pool.terminate' ? [] : ['a', 'c'])
    expect(runner.stats()).toMatchObject({ pending: 0, running: 0 })
    expect(pool.runners).toEqual([])
    await pool.close()
  })

  test('F3 C1 an abort of the signal of the post that dropped the other one', async () => {
    const log: string[] = []
    const controller = new AbortController()
    const env = whenDropped(() => controller.abort())
    const runner = makeBounded(env.pool)
    const delayed = runner.postDelayedTask(() => void log.push('delayed'), 50)
    const [, , c] = overfill(runner, log, { signal: controller.signal })
    expect([c.state, delayed.state, runner.stats().delayed]).toEqual(['cancelled', 'delayed', 1])
    await runner.ready()
    expect(runner.shutdown().dropped.map(({ id }) => id)).toContain(delayed.id)
    await env.advanceBy(100)
    expect(delayed.state).toBe('rejected')
    expect(log).not.toContain('delayed')
    await env[Symbol.asyncDispose]()
  })

  test('F3 an observer that posts in onPosted: its task comes behind the post in progress, and behind its barrier', async () => {
    const log: string[] = []
    const observer: Observer = {
      onPosted: ({ name, runner }) => {
        if (name !== 'late') runner.postTask(() => void log.push(`behind ${name}`), { name: 'late' })
      },
    }
    const env = createTestEnvironment({ pool: { observer } })
    const runner = make(env.pool, {})
    runner.postTask(() => void log.push('first'), { name: 'first' })
    void runner.flush(() => void log.push('barrier'))
    await env.runUntilIdle()
    expect(log).toEqual(['first', 'behind first', 'barrier', 'behind flush'])
    await env[Symbol.asyncDispose]()
  })

  test('F3 an observer that flushes in onPosted', async () => {
    const log: string[] = []
    const observer: Observer = {
      onPosted: ({ name, runner }) => {
        if (name === 'first') void runner.flush(() => void log.push('barrier'))
      },
    }
    const env = createTestEnvironment({ pool: { observer } })
    const runner = make(env.pool, {})
    runner.postTask(() => void log.push('first'), { name: 'first' })
    runner.postTask(() => void log.push('second'), { name: 'second' })
    await env.runUntilIdle()
    expect(log).toEqual(['first', 'barrier', 'second'])
    await env[Symbol.asyncDispose]()
  })

  test('F3 an observer that shuts the runner down in onPosted', async () => {
    const log: string[] = []
    const dropped: string[] = []
    const observer: Observer = {
      onPosted: ({ runner }) => void dropped.push(...runner.shutdown().dropped.map(({ name }) => name)),
    }
    const env = createTestEnvironment({ pool: { observer } })
    const runner = make(env.pool, {})
    const handle = runner.postTask(function first() {
      log.push('first')
    })
    await env.runUntilIdle()
    expect([log, dropped, handle.state]).toEqual([[], ['first'], 'rejected'])
    await env[Symbol.asyncDispose]()
  })

  test('C1 a task that is cancelled in onStarted never runs', async () => {
    const log: string[] = []
    const observer: Observer = {
      onStarted: ({ task, name }) => {
        if (name === 'doomed') log.push(`cancelled ${task.cancel()}`)
      },
      onFinished: ({ name, outcome }) => void log.push(`${name} ${outcome}`),
    }
    const env = createTestEnvironment({ pool: { observer } })
    const runner = make(env.pool, {})
    const doomed = runner.postTask(() => void log.push('ran'), { name: 'doomed' })
    runner.postTask(() => {}, { name: 'next' })
    await env.runUntilIdle()
    expect(log).toEqual(['cancelled true', 'doomed cancelled', 'next succeeded'])
    expect([doomed.state, runner.stats()]).toMatchObject(['cancelled', { cancelled: 1, completed: 1, running: 0 }])
    await env[Symbol.asyncDispose]()
  })

  test('W6 a pool that is terminated in onStarted does not run that task, and reports it', async () => {
    const log: unknown[] = []
    const pool: ThreadPool = new ThreadPool({
      executor: inlineExecutor(),
      onTaskError: ({ name, error }) => void log.push(name, (error as { code: string }).code),
      observer: { onStarted: () => void pool.terminate() },
    })
    const runner = make(pool, {})
    runner.postTask(() => void log.push('ran'), { name: 'doomed' })
    await runner.closed
    const report = await pool.close()
    expect(log).toEqual(['doomed', 'ERR_POOL_CLOSED'])
    expect(report).toMatchObject({ terminated: 1, lost: [{ outcome: 'terminated', name: 'doomed' }] })
    expect(pool.stats().active).toBe(0)
  })

  test('F3 events of one task come in the order of its life, whatever a hook does about it', async () => {
    const log: string[] = []
    const observer: Observer = {
      onPosted: ({ task, name }) => {
        log.push(`posted ${name}`)
        task.cancel()
        log.push('after cancel')
      },
      onFinished: ({ name, hasStarted }) => void log.push(`finished ${name} ${hasStarted}`),
    }
    const env = createTestEnvironment({ pool: { observer: [observer, { onPosted: () => void log.push('second observer') }] } })
    make(env.pool, {}).postTask(() => {}, { name: 'x' })
    expect(log).toEqual(['posted x', 'after cancel', 'second observer', 'finished x false'])
    await env[Symbol.asyncDispose]()
  })

  test('F3 a listener of context.signal that closes everything', async () => {
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = make(pool, { name: 'r' })
    let report: Promise<unknown> | undefined
    const asked = runner.run(
      ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            report = pool.terminate()
            resolve()
          })
        }),
      { name: 'asked', timeout: 1 },
    )
    await expect(asked).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
    expect(await report).toMatchObject({ terminated: 1 })
    expect(pool.stats().active).toBe(0)
  })

  test('F3 a result with a getter for then that shuts the runner down', async () => {
    const env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
    const runner = make(env.pool, {})
    let reads = 0
    // oxlint-disable-next-line unicorn/no-thenable -- a getter for then is what this is about
    const result = Object.defineProperty({}, 'then', {
      get: () => {
        if (++reads === 2) runner.shutdown()
        return undefined
      },
    })
    const asked = runner.run(() => result)
    const next = runner.postTask(() => {})
    await env.runUntilIdle()
    expect(await asked).toBe(result)
    expect(next.state).toBe('rejected')
    await runner.closed
    await env[Symbol.asyncDispose]()
  })

  test('F1 a promise whose constructor throws fails its task, and the next one runs', async () => {
    const env = createTestEnvironment()
    const runner = make(env.pool, {})
    let reads = 0
    const promise = Object.defineProperty(Promise.resolve(), 'constructor', {
      get: () => {
        if (reads++ > 0) throw new Error('no constructor')
        return Promise
      },
    })
    const asked = runner.run(() => promise)
    const next = runner.run(() => 'next')
    const failed = expect(asked).rejects.toThrow('no constructor')
    await env.runUntilIdle()
    await failed
    expect(await next).toBe('next')
    await env[Symbol.asyncDispose]()
  })

  test('W1 a flush that is refused holds nothing back', async () => {
    const env = createTestEnvironment()
    const runner = make(env.pool, {})
    const log: string[] = []
    runner.postTask(() => {
      runner.postTask(async (context) => {
        log.push('own starts')
        await context.sleep(1)
        log.push('own ends')
      })
    })
    const closed = runner.close()
    await expect(runner.flush()).rejects.toMatchObject({ code: 'ERR_RUNNER_CLOSED' })
    expect(runner.stats()).toMatchObject({ barrierPending: false, rejected: 0 })
    await env.advanceBy(10)
    await closed
    expect(log).toEqual(['own starts', 'own ends'])
    await env[Symbol.asyncDispose]()
  })
})

test('F3 an observer that shuts a single-thread runner down in onRunnerOpened: its init does not run', async () => {
  const log: string[] = []
  const pool = new ThreadPool({
    executor: inlineExecutor(),
    onTaskRejected: () => {},
    observer: { onRunnerOpened: ({ runner }) => void log.push(...runner.shutdown().dropped.map(({ name }) => name)) },
  })
  const runner = new SingleThreadTaskRunner(pool, { name: 'r', init: () => void log.push('init ran') })
  await runner.closed
  await pool.close()
  expect(log).toEqual(['init of r'])
})

test('F3 an observer that posts in onRunnerOpened: the init of the runner comes first', async () => {
  const log: string[] = []
  const pool = new ThreadPool({
    executor: inlineExecutor(),
    observer: { onRunnerOpened: ({ runner }) => void runner.postTask(() => void log.push('task')) },
  })
  const runner = new SingleThreadTaskRunner(pool, { init: () => void log.push('init') })
  await runner.waitIdle()
  expect(log).toEqual(['init', 'task'])
  await pool.close()
})

test('F3 a reply to a runner of another pool: hooks of both pools find whole runners', async () => {
  const log: string[] = []
  const env = createTestEnvironment()
  const other = env.createPool()
  other.addObserver({ onPosted: () => void log.push(JSON.stringify(runner.shutdown().dropped.map(({ name }) => name))) })
  const runner = new SequencedTaskRunner(env.pool)
  runner.postTaskAndReply(
    () => 1,
    () => void log.push('reply'),
    { replyTo: new SequencedTaskRunner(other) },
  )
  runner.postTask(() => void log.push('never'), { name: 'never' })
  await env.runUntilIdle()
  expect(log).toEqual(['["never"]', 'reply'])
  expect(runner.stats()).toMatchObject({ running: 0, pending: 0, completed: 1 })
  await env[Symbol.asyncDispose]()
})
