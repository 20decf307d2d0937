import { AsyncLocalStorage } from 'node:async_hooks'
import { inlineExecutor } from '@posttask/backend-inline'
import {
  type Clock,
  KeyedTaskRunner,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  systemClock,
  type TaskErrorEvent,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { describe, expect, test } from 'vitest'
import { deferred } from './fixtures/deferred.ts'
import { executorWith } from './fixtures/executor-with.ts'
import { thenable } from './fixtures/thenable.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { maxConcurrency: 4 }),
}

const user = new AsyncLocalStorage<string>()

describe.each(Object.entries(runners))('async context on a %s runner', (_kind, makeRunner) => {
  test('E4 CTX-06 each task runs in the context of its own poster, also after an await', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const seen: string[] = []
    const task = async (): Promise<void> => {
      const before = user.getStore()
      await undefined
      seen.push(`${before} ${user.getStore()}`)
    }
    for (const name of ['ann', 'bob']) user.run(name, () => runner.postTask(task))
    runner.postTask(task)
    await runner.waitIdle()
    expect(seen).toEqual(['ann ann', 'bob bob', 'undefined undefined'])
  })

  test('E4 delayed and repeating tasks, run and flush run in the context of their poster', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const delayed = deferred<string | undefined>()
    const ticks: (string | undefined)[] = []
    const ticked = deferred()
    await user.run('ann', async () => {
      runner.postDelayedTask(() => delayed.resolve(user.getStore()), 1)
      const handle = runner.postRepeatingTask(() => {
        ticks.push(user.getStore())
        if (ticks.length < 3) return
        handle.stop()
        ticked.resolve()
      }, 1)
      expect(await runner.run(() => user.getStore())).toBe('ann')
      let flushed: string | undefined
      await runner.flush(() => void (flushed = user.getStore()))
      expect(flushed).toBe('ann')
    })
    expect(await delayed.promise).toBe('ann')
    await ticked.promise
    expect(ticks).toEqual(['ann', 'ann', 'ann'])
  })

  test('E4 a reply runs in the context of who posted the pair, an onError too', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const ui = new SequencedTaskRunner(pool)
    const seen: (string | undefined)[] = []
    const done = [deferred(), deferred()] as const
    user.run('ann', () => {
      const note = (index: 0 | 1) => (): void => {
        seen.push(user.getStore())
        done[index].resolve()
      }
      runner.postTaskAndReply(() => user.run('inner', async () => undefined), note(0), { replyTo: ui })
      runner.postTaskAndReply(
        () => Promise.reject(new Error('expected')),
        () => {},
        { replyTo: ui, onError: note(1) },
      )
    })
    user.run('bob', () => void ui.postTask(() => {}))
    await Promise.all(done.map(({ promise }) => promise))
    expect(seen).toEqual(['ann', 'ann'])
  })

  test('E4 progress is told in the context of its poster', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const seen: (string | undefined)[] = []
    await user.run('ann', () =>
      runner.run((context) => context.progress(1), { onProgress: () => void seen.push(user.getStore()) }),
    )
    await user.run('ann', () =>
      runner.run((context) => user.run('within', () => context.progress(1)), {
        onProgress: () => void seen.push(user.getStore()),
      }),
    )
    expect(seen).toEqual(['ann', 'ann'])
  })

  test("E4 with asyncContext: false tasks run in no poster's context", async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), asyncContext: false })
    const runner = makeRunner(pool)
    const seen: (string | undefined)[] = []
    for (const name of ['ann', 'bob']) user.run(name, () => runner.postTask(() => void seen.push(user.getStore())))
    user.run('ann', () => runner.postDelayedTask(() => void seen.push(user.getStore()), 1))
    await user.run('cat', async () => void seen.push(await runner.run(() => user.getStore())))
    await user.run('dan', () => runner.run(() => void seen.push(user.getStore()), { delay: 2 }))
    await runner.waitIdle()
    expect(seen).toEqual(new Array(5).fill(undefined))
  })

  test('E4 D5 no timer of the host is set in the context of a poster: it would hold on to it', async () => {
    const contexts: Record<string, Set<string | undefined>> = {}
    const note = (what: string): void => void (contexts[what] ??= new Set()).add(user.getStore())
    const clock: Clock = {
      ...systemClock,
      setTimer(...args) {
        note('timer')
        return systemClock.setTimer(...args)
      },
      keepAlive() {
        note('alive')
        return (systemClock as Required<Clock>).keepAlive()
      },
    }
    await using pool = new ThreadPool({ executor: executorWith({ clock }) })
    const runner = makeRunner(pool)
    await user.run('ann', async () => {
      const later = runner.run(() => {}, { delay: 2 })
      await runner.run(async (context) => {
        await context.yield()
        await context.sleep(1)
      })
      await later
    })
    expect(contexts).toEqual({ timer: new Set([undefined]), alive: new Set([undefined]) })
  })

  test('E4 the task whose post wakes the pump up has its own context, however late its turn comes', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor({ maxConcurrency: 1 }) })
    const first = makeRunner(pool)
    const urgent = new SequencedTaskRunner(pool, { priority: 'user-blocking' })
    const seen: unknown[] = []
    const see = async (): Promise<void> => {
      seen.push(user.getStore())
      await Promise.resolve()
      seen.push(user.getStore())
    }
    user.run('ann', () => first.postTask(see))
    user.run('bob', () => urgent.postTask(see))
    const pause = first.pause()
    await urgent.waitIdle()
    user.run('eve', () => pause[Symbol.dispose]())
    await first.waitIdle()
    expect(seen).toEqual(['bob', 'bob', 'ann', 'ann'])
  })

  test('E4 the code that awaits run stays in its own context', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = makeRunner(pool)
    const after = await Promise.all(
      ['ann', 'bob'].map((name) =>
        user.run(name, async () => {
          await runner.run(() => user.run('inner', () => undefined))
          return user.getStore()
        }),
      ),
    )
    expect(after).toEqual(['ann', 'bob'])
  })
})

describe('stacks', () => {
  const failing = async (): Promise<never> => {
    throw new Error('expected')
  }

  test('E5 the stack of an error that run rejects with shows the chain that awaited it', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    async function askedByThis(): Promise<unknown> {
      return await runner.run(() => failing())
    }
    async function calledByThat(): Promise<unknown> {
      return await askedByThis()
    }
    for (const ask of [calledByThat, async () => await runner.run(() => calledSync())]) {
      const error = (await ask().catch((reason: unknown) => reason)) as Error
      expect(error.message).toBe('expected')
    }
    const { stack } = (await calledByThat().catch((reason: unknown) => reason)) as Error
    expect(stack).toMatch(/at .*failing[\s\S]*at (?:async )?askedByThis[\s\S]*at (?:async )?calledByThat/)
  })

  const calledSync = (): never => {
    throw new Error('expected')
  }

  test('E5 a synchronous failure shows the chain too', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    async function askedByThis(): Promise<unknown> {
      return await runner.run(() => calledSync())
    }
    const { stack } = (await askedByThis().catch((reason: unknown) => reason)) as Error
    expect(stack).toMatch(/at .*calledSync[\s\S]*at (?:async )?askedByThis/)
  })

  test('E5 a frozen error stays as it is, and is the very error', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor(), traceOrigin: true })
    const runner = new SequencedTaskRunner(pool)
    const frozen = Object.freeze(new Error('expected'))
    const ask = async (): Promise<unknown> => await runner.run(() => Promise.reject(frozen))
    await expect(ask()).rejects.toBe(frozen)
  })

  test('E5 traceOrigin: the posting site of postTask and of a delayed task, in the event and in the stack', async () => {
    const errors: TaskErrorEvent[] = []
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      traceOrigin: true,
      onTaskError: (event) => void errors.push(event),
    })
    const runner = new SequencedTaskRunner(pool)
    function postedByThis(): void {
      runner.postTask(() => calledSync())
      runner.postDelayedTask(() => failing(), 1)
    }
    postedByThis()
    await runner.run(() => {}, { delay: 2 })
    await runner.waitIdle()
    expect(errors).toHaveLength(2)
    for (const { origin, error } of errors) {
      // The first line is the caller of the library, not the library.
      expect(origin?.split('\n')[0]).toMatch(/at postedByThis .*context\.test\.ts/)
      expect((error as Error).stack).toMatch(/posted from[\s\S]*postedByThis/)
    }
  })

  test('E5 without traceOrigin nothing is remembered', async () => {
    const errors: TaskErrorEvent[] = []
    await using pool = new ThreadPool({ executor: inlineExecutor(), onTaskError: (event) => void errors.push(event) })
    const runner = new SequencedTaskRunner(pool)
    runner.postTask(() => calledSync())
    await runner.waitIdle()
    expect(errors[0]?.origin).toBeUndefined()
    expect((errors[0]?.error as Error | undefined)?.stack).not.toContain('posted from')
  })
})

describe('thenables and hooks', () => {
  test('E4 a thenable that starts its work when it is awaited does so in the context of its poster', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const query = () => thenable<unknown>((resolve) => resolve([user.getStore(), runner.isCurrent()]))
    const asked = ['alice', 'bob'].map((name) => user.run(name, () => runner.run(query)))
    expect(await Promise.all(asked)).toEqual([
      ['alice', true],
      ['bob', true],
    ])
  })

  test('E4 a hook that posts in a context of its own does not give it to the task that it is told of', async () => {
    const seen: [string, string | undefined][] = []
    const note = (name: string) => (): void => void seen.push([name, user.getStore()])
    let isFirst = true
    const hook = (): void => {
      if (!isFirst) return
      isFirst = false
      user.run('hook', () => other.postTask(note('of the hook')))
    }
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      observer: { onPosted: hook },
      onTaskRejected: hook,
    })
    const [runner, other] = [new SequencedTaskRunner(pool), new SequencedTaskRunner(pool)]
    user.run('alice', () => runner.postTask(note('told of')))
    await pool.close()
    expect(Object.fromEntries(seen)).toEqual({ 'of the hook': 'hook', 'told of': 'alice' })
  })

  test('E4 Q1 nor to the task that takes the place of the one that it is told of', async () => {
    const seen: unknown[] = []
    await using pool = new ThreadPool({
      executor: inlineExecutor(),
      onTaskRejected: () => user.run('hook', () => other.postTask(() => {})),
    })
    const runner = new SequencedTaskRunner(pool, { queueLimit: 1, onFull: 'drop-oldest' })
    const other = new SequencedTaskRunner(pool)
    const pause = runner.pause()
    runner.postTask(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    user.run('alice', () => runner.postTask(() => void seen.push(user.getStore())))
    pause[Symbol.dispose]()
    await pool.close()
    expect(seen).toEqual(['alice'])
  })
})

test('E5 traceOrigin: run, flush, repeating tasks and replies were posted by the caller of the library', async () => {
  const origins: (readonly [string, string | undefined])[] = []
  await using pool = new ThreadPool({
    executor: inlineExecutor(),
    traceOrigin: true,
    observer: { onPosted: ({ name, origin }) => void origins.push([name, origin?.split('\n')[0]]) },
  })
  const runner = new SequencedTaskRunner(pool)
  const keyed = new KeyedTaskRunner(pool)
  async function calledByThis(): Promise<void> {
    const repeating = runner.postRepeatingTask(() => repeating.stop(), 0, { name: 'repeating' })
    runner.postTaskAndReply(
      () => {},
      () => {},
      { name: 'asked', replyTo: runner },
    )
    const ends = [
      runner.run(() => {}, { name: 'run' }),
      runner.run(() => {}, { name: 'delayed run', delay: 1 }),
      runner.flush(),
      keyed.forKey(1).run(() => {}, { name: 'run of a key' }),
    ]
    await Promise.all(ends)
  }
  await calledByThis()
  await runner.waitQuiescent()
  expect(new Set(origins.map(([name]) => name))).toEqual(
    new Set(['repeating', 'asked', 'reply', 'run', 'delayed run', 'flush', 'run of a key']),
  )
  for (const [name, first] of origins) expect([name, first]).toEqual([name, expect.stringContaining('at calledByThis ')])
})
