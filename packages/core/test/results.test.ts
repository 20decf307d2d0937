import { inlineExecutor } from '@posttask/backend-inline'
import {
  type Executor,
  ModuleLoadError,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type StrayErrorEvent,
  type TaskErrorEvent,
  type TaskRunner,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { brokenThenable, promiseWith, thenable } from './fixtures/thenable.ts'

const arithmetic = taskModule<typeof import('./fixtures/arithmetic.ts')>(new URL('./fixtures/arithmetic.ts', import.meta.url))

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool, { name: 'r' }),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool, { name: 'r' }),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { name: 'r', maxConcurrency: 2 }),
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(Object.entries(runners))('outcomes on a %s runner', (_kind, makeRunner) => {
  const withPool = (): { readonly pool: ThreadPool; readonly runner: TaskRunner; readonly errors: TaskErrorEvent[] } => {
    const errors: TaskErrorEvent[] = []
    const pool = new ThreadPool({ executor: inlineExecutor(), onTaskError: (event) => void errors.push(event) })
    return { pool, runner: makeRunner(pool), errors }
  }

  test('F1 run gives the value, of a closure or a bound task, synchronous or not', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const object = { name: 'the very same' }
    expect(await runner.run(() => 42)).toBe(42)
    expect(await runner.run(() => object)).toBe(object)
    expect(await runner.run(async () => object)).toBe(object)
    expect(await runner.run(() => undefined)).toBeUndefined()
    expect(await runner.run(arithmetic.add(2, 3))).toBe(5)
    expect(await runner.run(arithmetic.add(2, 4))).toBe(6)
    expect(await runner.run(arithmetic.addLater(3, 4))).toBe(7)
  })

  test('F1 TR-08 run rejects with the very error, and the next task runs', async () => {
    const { runner, errors } = withPool()
    const error = new Error('expected')
    const outcomes = await Promise.allSettled([
      runner.run(() => {
        throw error
      }),
      runner.run(async () => {
        throw error
      }),
      runner.run(() => Promise.reject(error)),
      runner.run(() => 'next'),
    ])
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome.value))).toEqual([
      error,
      error,
      error,
      'next',
    ])
    expect((outcomes[0] as PromiseRejectedResult).reason).toBe(error)
    expect(errors).toEqual([])
  })

  test.each([undefined, null, 'text', 0, false])('F1 F2 a task may throw %s', async (thrown) => {
    const { runner, errors } = withPool()
    await expect(
      runner.run(() => {
        throw thrown
      }),
    ).rejects.toBe(thrown)
    runner.postTask(async () => {
      throw thrown
    })
    await runner.waitIdle()
    expect(errors.map(({ error }) => error)).toEqual([thrown])
  })

  test('F1 an error of a bound task arrives with class and message', async () => {
    const { runner } = withPool()
    const outcome = runner.run(arithmetic.fail('no such thing'))
    await expect(outcome).rejects.toThrow(RangeError)
    await expect(outcome).rejects.toThrow('no such thing')
  })

  test('F1 a module that cannot be loaded, or has no such function, is a ModuleLoadError', async () => {
    const { runner } = withPool()
    const missing = taskModule<{ run(): void }>(new URL('./fixtures/no-such-module.ts', import.meta.url))
    await expect(runner.run(missing.run())).rejects.toThrow(ModuleLoadError)
    const wrong = arithmetic as unknown as { subtract(): never; version(): never }
    for (const task of [wrong.subtract(), wrong.version()]) {
      const outcome = runner.run(task)
      await expect(outcome).rejects.toMatchObject({ code: 'ERR_MODULE_LOAD', module: expect.stringContaining('arithmetic.ts') })
      await expect(outcome).rejects.toThrow(ModuleLoadError)
    }
  })

  test('F1 TR-10 a thenable is waited for; one whose then throws is a failure', async () => {
    const { runner } = withPool()
    expect(await runner.run(() => thenable<number>((resolve) => resolve(5)))).toBe(5)
    const error = new Error('no then for you')
    await expect(runner.run(() => brokenThenable(error))).rejects.toBe(error)
    expect(await runner.run(() => 'next')).toBe('next')
  })

  test('F1 a thenable that resolves twice, and rejects as well, counts once', async () => {
    const { runner, errors } = withPool()
    const restless = thenable<number>((resolve, reject) => {
      resolve(1)
      resolve(2)
      reject(new Error('too late'))
    })
    expect(await runner.run(() => restless)).toBe(1)
    expect(await runner.run(() => 'next')).toBe('next')
    expect([runner.stats().completed, runner.stats().running, errors.length]).toEqual([2, 0, 0])
  })

  test('F2 TR-09 G-42 G-70 G-95 a failed postTask goes to onTaskError, once, and the next task runs', async () => {
    const { runner, errors } = withPool()
    const error = new Error('expected')
    let next = false
    const handle = runner.postTask(
      () => {
        throw error
      },
      { name: 'bad', priority: 'user-blocking' },
    )
    runner.postTask(async () => {
      throw error
    })
    runner.postTask(() => void (next = true))
    await runner.waitIdle()
    expect(next).toBe(true)
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatchObject({ name: 'bad', priority: 'user-blocking', origin: undefined })
    expect([errors[0]?.runner, errors[0]?.task, errors[0]?.error]).toEqual([runner, handle, error])
    expect(errors[0]?.error).toBe(error)
    expect(handle.state).toBe('failed')
    expect(runner.stats()).toMatchObject({ failed: 2, completed: 1, running: 0, closed: false })
  })

  test('F2 G-22 without a hook the failure is printed to stderr, with task and runner', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const error = new Error('expected')
    runner.postTask(
      () => {
        throw error
      },
      { name: 'bad' },
    )
    await runner.waitIdle()
    expect(print).toHaveBeenCalledExactlyOnceWith('[posttask] task "bad" on runner "r" failed:', error)
  })

  test('F3 a hook that throws is printed and harms nothing else', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const broken = (): never => {
      throw new Error('broken hook')
    }
    const seen: string[] = []
    const pool = new ThreadPool({
      executor: inlineExecutor(),
      onTaskError: broken,
      onTaskRejected: broken,
      observer: [
        { onPosted: broken, onStarted: broken, onFinished: broken, onRejected: broken, onQueueDepth: broken },
        { onFinished: ({ outcome }) => void seen.push(outcome), onRejected: ({ reason }) => void seen.push(reason) },
      ],
    })
    const runner = makeRunner(pool)
    runner.postTask(() => {
      throw new Error('expected')
    })
    expect(await runner.run(() => 'next')).toBe('next')
    await runner.close()
    runner.postTask(() => {})
    expect(seen).toEqual(['failed', 'succeeded', 'runner-closed'])
    expect(print).toHaveBeenCalled()
    await pool.close()
  })

  test('F6 options that are none are refused at the call', () => {
    const { runner } = withPool()
    const bad = [{ shutdown: 'later' }, { signal: {} }, { onProgress: 5 }, { priority: '' }]
    for (const options of bad) {
      expect(() => runner.postTask(() => {}, options as never), JSON.stringify(options)).toThrow(TypeError)
      expect(() => runner.run(() => {}, options as never), JSON.stringify(options)).toThrow(TypeError)
    }
    expect(runner.stats()).toMatchObject({ pending: 0, rejected: 0 })
  })

  test('progress reaches the poster in order, before the outcome; a listener that throws harms nothing', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { runner } = withPool()
    const seen: unknown[] = []
    const outcome = runner
      .run(
        async (context) => {
          context.progress(1)
          await undefined
          context.progress({ done: 2 })
          context.progress('bad')
          return 'end'
        },
        {
          onProgress: (value) => {
            if (value === 'bad') throw new Error('broken listener')
            seen.push(value)
          },
        },
      )
      .then((value) => void seen.push(value))
    await outcome
    expect(seen).toEqual([1, { done: 2 }, 'end'])
    expect(print).toHaveBeenCalledOnce()
  })

  test('progress after the outcome reaches nobody', async () => {
    const { runner } = withPool()
    const seen: unknown[] = []
    let progress: (value: unknown) => void = () => {}
    await runner.run((context) => void (progress = (value) => context.progress(value)), {
      onProgress: (value) => void seen.push(value),
    })
    progress('late')
    expect(seen).toEqual([])
  })

  test('G-01 ids are numbers that rise, handle and context agree', async () => {
    const { runner } = withPool()
    const ids: number[] = []
    const handles = [1, 2, 3].map(() => runner.postTask((context) => void ids.push(context.id)))
    await runner.waitIdle()
    expect(ids).toEqual(handles.map(({ id }) => id))
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids)
    expect(new Set(ids).size).toBe(3)
  })

  test('names: that of the option, of the function, of the export, else a number', async () => {
    const { runner } = withPool()
    const resize = (): void => {}
    expect(runner.postTask(resize).name).toBe('resize')
    expect(runner.postTask(resize, { name: 'mine' }).name).toBe('mine')
    expect(runner.postTask(arithmetic.add(1, 2)).name).toBe('add')
    const anonymous = runner.postTask(() => {})
    expect(anonymous.name).toBe(`task ${anonymous.id}`)
    await runner.waitIdle()
  })
})

describe('F5 an error on a thread outside of any task', () => {
  const open = (options: Partial<ConstructorParameters<typeof ThreadPool>[0]>) => {
    const executor: Executor = inlineExecutor()
    const pool = new ThreadPool({ name: 'mine', executor, ...options })
    return { pool, stray: (error: unknown) => executor.onStrayError?.(error) }
  }

  test('goes to onStrayError, which may throw', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    const events: StrayErrorEvent[] = []
    const { pool, stray } = open({
      onStrayError: (event) => {
        events.push(event)
        throw new Error('of the hook')
      },
    })
    const error = new RangeError('left behind')
    stray(error)
    expect(events).toEqual([{ pool: 'mine', executor: 'inline', error }])
    expect(printed.mock.calls).toEqual([['[posttask] a hook threw:', expect.objectContaining({ message: 'of the hook' })]])
    printed.mockRestore()
    await pool.close()
  })

  test('is printed where there is no such hook', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { pool, stray } = open({})
    stray('left behind')
    expect(printed.mock.calls).toEqual([['[posttask] pool "mine" on inline: an error outside of any task:', 'left behind']])
    printed.mockRestore()
    await pool.close()
  })
})

test('F2 no unhandled rejection comes of a posted task that fails', async () => {
  await using env = createTestEnvironment({ pool: { onTaskError: () => {} } })
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  const runner = new SequencedTaskRunner(env.pool)
  runner.postTask(() => Promise.reject(new Error('expected')))
  runner.postTask(async () => {
    throw new Error('expected')
  })
  await env.runUntilIdle()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

test('F1 the promise of run is a native one', async () => {
  await using pool = new ThreadPool({ executor: inlineExecutor() })
  const runner = new SequencedTaskRunner(pool)
  const outcome = runner.run(() => 1)
  expect(Object.getPrototypeOf(outcome)).toBe(Promise.prototype)
  await outcome
})

test('F6 a closure for an executor of bound tasks is a TypeError at the call, that says what to do', async () => {
  await using env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.createPool({ workers: 2 }), { name: 'cpu' })
  const posts = [
    () => runner.postTask(() => {}),
    () => runner.run(() => 1),
    () => runner.postDelayedTask(() => {}, 1),
    () => runner.postRepeatingTask(() => {}, 1),
  ]
  for (const post of posts) {
    expect(post).toThrow(TypeError)
    expect(post).toThrow(/runner "cpu".*taskModule/)
  }
  expect(runner.stats()).toMatchObject({ pending: 0, delayed: 0, repeating: 0 })
})

describe('outcomes that make trouble', () => {
  const evil = (): object =>
    Object.defineProperties(
      {},
      {
        name: {
          get: () => {
            throw new Error('name')
          },
        },
        code: {
          get: () => {
            throw new Error('code')
          },
        },
      },
    )
  const revoked = (): unknown => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }

  test('F1 S2 a promise that calls back twice settles its own task only', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const twice = promiseWith<number>((resolve) => {
      resolve(1)
      setImmediate(() => resolve(2))
    })
    expect(await runner.run(() => twice)).toBe(1)
    const slow = runner.run(async () => {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      return 'slow'
    })
    expect(await slow).toBe('slow')
  })

  test('F1 a promise whose then throws is a failure of its task', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const broken = promiseWith(() => {
      throw new Error('no then')
    })
    await expect(runner.run(() => broken)).rejects.toThrow('no then')
    expect(await runner.run(() => 'goes on')).toBe('goes on')
  })

  test('F2 what cannot even be looked at is an error as any other', async () => {
    const errors: unknown[] = []
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      traceOrigin: true,
      onTaskError: ({ error }) => void errors.push(error),
    })
    const runner = new SequencedTaskRunner(pool)
    const thrown = [revoked(), evil()]
    for (const error of thrown) {
      runner.postTask(() => {
        throw error
      })
    }
    await runner.waitIdle()
    expect(errors.map((error, index) => error === thrown[index])).toEqual([true, true])
    await expect(
      runner.run(() => {
        throw thrown[0]
      }),
    ).rejects.toSatisfy((error) => error === thrown[0])
    expect(runner.stats()).toMatchObject({ running: 0, failed: 3 })
  })

  test('C1 C2 a reason that cannot be looked at cancels as any other', async () => {
    const errors: unknown[] = []
    await using pool = new ThreadPool({ executor: inlineExecutor(), onTaskError: ({ error }) => void errors.push(error) })
    const runner = new SequencedTaskRunner(pool)
    const pause = runner.pause()
    expect(runner.postTask(() => {}).cancel(evil())).toBe(true)
    pause[Symbol.dispose]()
    const late = evil()
    const handle = runner.postTask(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw late
    })
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)))
    handle.cancel('no')
    await runner.waitIdle()
    expect(errors).toEqual([late])
    expect(runner.stats()).toMatchObject({ pending: 0, running: 0, cancelled: 2 })
  })

  test('F1 run rejects with the very error, whatever its stack is', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const error = Object.assign(new Error('mine'), { stack: 5 })
    const asked = runner.run(() => {
      throw error
    })
    await expect(asked).rejects.toBe(error)
  })
})
