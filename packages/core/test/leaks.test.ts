import { getEventListeners } from 'node:events'
import { inlineExecutor } from '@posttask/backend-inline'
import {
  createTaskRunner,
  initGlobalThreadPool,
  ParallelTaskRunner,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  sequenceLocal,
  shutdownGlobalThreadPool,
  type TaskHandle,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { describe, expect, test } from 'vitest'
import { runChild } from './fixtures/child.ts'

const runners = {
  sequenced: (pool: ThreadPool): TaskRunner => new SequencedTaskRunner(pool),
  'single-thread': (pool: ThreadPool): TaskRunner => new SingleThreadTaskRunner(pool),
  parallel: (pool: ThreadPool): TaskRunner => new ParallelTaskRunner(pool, { maxConcurrency: 4 }),
}

const collectGarbage = globalThis.gc as () => void

/** True when everything is gone. A weak reference lasts until the end of the turn that made or read it. */
const areCollected = async (refs: readonly WeakRef<object>[]): Promise<boolean> => {
  for (let time = 0; time < 20; time++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    if (refs.every((ref) => ref.deref() === undefined)) return true
  }
  return false
}

const quietPool = (): ThreadPool =>
  new ThreadPool({ executor: inlineExecutor(), onTaskError: () => {}, onTaskRejected: () => {} })

test('a weak reference to what is still held is not collected: the measure works', async () => {
  const held = { big: true }
  expect(await areCollected([new WeakRef(held)])).toBe(false)
  expect(held.big).toBe(true)
})

describe.each(Object.entries(runners))('what a %s runner lets go of', (_kind, makeRunner) => {
  /** Posts with an object in the closure; everything that could hold on to it but the library is gone on return. */
  const closures = async (
    count: number,
    post: (runner: TaskRunner, use: () => void) => unknown,
    pool = quietPool(),
  ): Promise<readonly WeakRef<object>[]> => {
    const runner = makeRunner(pool)
    const refs: WeakRef<object>[] = []
    for (let task = 0; task < count; task++) {
      const captured = { task }
      refs.push(new WeakRef(captured))
      await post(runner, () => void captured.task)
    }
    await runner.waitIdle()
    kept.push(runner)
    return refs
  }
  const kept: unknown[] = []

  test('TR-11 G-140 G-141 closures of finished tasks, although runner and handles are held', async () => {
    expect(await areCollected(await closures(100, (runner, use) => void kept.push(runner.postTask(use))))).toBe(true)
  })

  test('TR-11 closures of tasks whose outcome was awaited, and of async ones', async () => {
    expect(await areCollected(await closures(20, (runner, use) => runner.run(use)))).toBe(true)
    expect(await areCollected(await closures(20, (runner, use) => runner.run(async () => use())))).toBe(true)
  })

  test('TR-11 closures of tasks that failed', async () => {
    const refs = await closures(
      20,
      (runner, use) =>
        void kept.push(
          runner.postTask(() => {
            use()
            throw new Error('expected')
          }),
        ),
    )
    expect(await areCollected(refs)).toBe(true)
  })

  test('C1 TR-11 closures of cancelled tasks, queued or delayed, at once', async () => {
    const refs = await closures(20, (runner, use) => {
      const pause = runner.pause()
      const handles: TaskHandle[] = [runner.postTask(use), runner.postDelayedTask(use, 60_000)]
      for (const handle of handles) handle.cancel()
      kept.push(handles)
      pause[Symbol.dispose]()
    })
    expect(await areCollected(refs)).toBe(true)
  })

  test('G-146 closures of delayed tasks that ran', async () => {
    const refs = await closures(20, async (runner, use) => {
      kept.push(runner.postDelayedTask(use, 0.1))
      await runner.run(() => {}, { delay: 0.2 })
    })
    expect(await areCollected(refs)).toBe(true)
  })

  test('D5 G-142 closures of stopped repeating tasks', async () => {
    const refs = await closures(20, (runner, use) => {
      const handle = runner.postRepeatingTask(use, 60_000)
      handle.stop()
      kept.push(handle.state)
    })
    expect(await areCollected(refs)).toBe(true)
  })

  test('W4 G-143 closures of what shutdown dropped: queued, delayed, repeating', async () => {
    const refs: WeakRef<object>[] = []
    const runner = makeRunner(quietPool())
    const post = (): void => {
      for (let task = 0; task < 30; task++) {
        const captured = { task }
        refs.push(new WeakRef(captured))
        runner.postTask(() => void captured.task)
        runner.postDelayedTask(() => void captured.task, 60_000)
        runner.postRepeatingTask(() => void captured.task, 60_000)
      }
    }
    post()
    kept.push(runner.shutdown())
    await runner.closed
    expect(await areCollected(refs)).toBe(true)
  })

  test('F7 G-144 G-145 closures of task, reply and onError', async () => {
    const refs = await closures(20, (runner, use) => {
      runner.postTaskAndReply(
        () => use(),
        () => use(),
        { replyTo: runner, onError: () => use() },
      )
    })
    await (kept.at(-1) as TaskRunner).waitQuiescent()
    expect(await areCollected(refs)).toBe(true)
  })

  test('W1 G-149 callbacks of flush', async () => {
    expect(await areCollected(await closures(20, (runner, use) => runner.flush(use)))).toBe(true)
  })

  test('C1 TRK-11 a signal that lives on holds no task, and has no listener', async () => {
    const { signal } = new AbortController()
    const refs = await closures(20, (runner, use) => void kept.push(runner.postTask(use, { signal })))
    expect(await areCollected(refs)).toBe(true)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('W3 an aborted wait leaves no listener, neither does one that ended', async () => {
    const aborter = new AbortController()
    const runner = makeRunner(quietPool())
    runner.postTask(async () => {})
    await runner.waitIdle({ signal: aborter.signal })
    runner.postTask(async () => {})
    const aborted = runner.waitIdle({ signal: aborter.signal })
    aborter.abort()
    await expect(aborted).rejects.toThrow('aborted')
    await runner.waitIdle()
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0)
  })

  test('W5 G-148 G-151 the runner itself after close, while its pool lives on', async () => {
    const pool = quietPool()
    const use = async (): Promise<WeakRef<object>> => {
      const runner = makeRunner(pool)
      await runner.run(() => 1)
      runner.postDelayedTask(() => {}, 60_000)
      await runner.close()
      return new WeakRef(runner)
    }
    const refs = [await use(), await use()]
    const third = makeRunner(pool)
    expect(await areCollected(refs)).toBe(true)
    expect(await third.run(() => 'lives')).toBe('lives')
  })

  test('W6 G-151 pool and runner after they were used and closed', async () => {
    const use = async (): Promise<readonly WeakRef<object>[]> => {
      const pool = quietPool()
      const runner = makeRunner(pool)
      await runner.run(async () => 1)
      runner.postDelayedTask(() => {}, 3_600_000)
      await pool.close({ timeoutMs: 1000 })
      return [new WeakRef(pool), new WeakRef(runner)]
    }
    expect(await areCollected(await use())).toBe(true)
  })

  test('CTX-05 values of sequenceLocal go with their runner', async () => {
    const pool = quietPool()
    const local = sequenceLocal(() => ({ value: 1 }))
    const use = async (): Promise<WeakRef<object>> => {
      const runner = makeRunner(pool)
      const ref = new WeakRef(await runner.run(() => local.get()))
      await runner.close()
      return ref
    }
    expect(await areCollected([await use()])).toBe(true)
  })
})

test('G-151 a runner of the global pool, and the pool after its shutdown', async () => {
  const use = async (): Promise<readonly WeakRef<object>[]> => {
    const pool = initGlobalThreadPool({ executor: inlineExecutor() })
    const runner = createTaskRunner()
    await runner.run(() => 1)
    await shutdownGlobalThreadPool()
    return [new WeakRef(pool), new WeakRef(runner)]
  }
  expect(await areCollected(await use())).toBe(true)
})

test('G-151 pool and runner with queued tasks, when nobody holds them and nothing was ever started', async () => {
  const use = (): readonly WeakRef<object>[] => {
    const pool = quietPool()
    const runner = new SequencedTaskRunner(pool)
    return [new WeakRef(pool), new WeakRef(runner)]
  }
  expect(await areCollected(use())).toBe(true)
})

test('E1 TR-12 memory comes back: a million queued closures leave nothing behind', async () => {
  const program = `
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const heap = async () => {
      for (let time = 0; time < 4; time++) { await new Promise((go) => setImmediate(go)); gc() }
      return process.memoryUsage().heapUsed
    }
    const drain = async (count) => { for (let task = 0; task < count; task++) runner.postTask(() => task); await runner.waitIdle() }
    await drain(10_000)
    const before = await heap()
    for (let task = 0; task < 1_000_000; task++) runner.postTask(() => task)
    gc()
    const during = process.memoryUsage().heapUsed
    await runner.waitIdle()
    const after = await heap()
    print(during - before > 40e6, after - before < 5e6, runner.stats().completed)
    for (let task = 0; task < 200_000; task++) {
      runner.postDelayedTask(() => {}, 60_000).cancel()
      runner.postTask(() => {}).cancel()
    }
    const last = await heap()
    print(last - before < 5e6)
    await pool.close()`
  expect(await runChild(program, { flags: ['--expose-gc'] })).toEqual({
    stdout: 'true true 1010000\ntrue',
    stderr: '',
    code: 0,
    wasKilled: false,
  })
}, 60_000)

test('G-147 a thousand tasks of 100 KB each are let go of one by one', async () => {
  const program = `
    const pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    gc()
    const before = process.memoryUsage().heapUsed
    for (let task = 0; task < 1000; task++) { const big = new Array(12_500).fill(task); await runner.run(() => big.length) }
    await new Promise((go) => setImmediate(go))
    gc()
    print(process.memoryUsage().heapUsed - before < 10e6)`
  expect(await runChild(program, { flags: ['--expose-gc'] })).toEqual({ stdout: 'true', stderr: '', code: 0, wasKilled: false })
}, 60_000)

describe('what handles keep', () => {
  const poolWith = (options = {}): ThreadPool =>
    new ThreadPool({ executor: inlineExecutor(), onTaskError: () => {}, onTaskRejected: () => {}, ...options })

  test('a watched task that posts itself again and again with a delay keeps none of those before', async () => {
    const pool = poolWith({ observer: { onPosted: () => {} } })
    const runner = new SequencedTaskRunner(pool)
    const refs: WeakRef<object>[] = []
    let last: TaskHandle | undefined
    const again = (): void => {
      last = runner.postDelayedTask(() => {
        if (refs.length < 20) again()
      }, 1)
      refs.push(new WeakRef(last))
    }
    again()
    while (refs.length < 20) await new Promise((resolve) => setImmediate(resolve))
    await runner.waitIdle()
    expect(await areCollected(refs.slice(0, -1))).toBe(true)
    expect(last?.state).toBe('succeeded')
  })

  test('the handle of one task of a long queue keeps nothing of the others', async () => {
    const pool = poolWith()
    const runner = new SequencedTaskRunner(pool)
    for (let task = 0; task < 1100; task++) runner.postTask(() => {})
    const kept = runner.postTask(() => {})
    const refs: WeakRef<object>[] = []
    const results = Array.from({ length: 20 }, () =>
      runner.run(() => {
        const result = {}
        refs.push(new WeakRef(result))
        return result
      }),
    )
    await Promise.all(results)
    results.length = 0
    expect(refs).toHaveLength(20)
    expect(await areCollected(refs)).toBe(true)
    expect(kept.state).toBe('succeeded')
  })

  test('C1 D5 F7 handles of ended tasks keep no listener, no transfer list, no reply and no repeating closure', async () => {
    const pool = poolWith()
    const runner = new SequencedTaskRunner(pool)
    const refs: WeakRef<object>[] = []
    const watched = <Value extends object>(value: Value): Value => {
      refs.push(new WeakRef(value))
      return value
    }
    const pause = runner.pause()
    const handles = [
      runner.postTask(() => {}, { onProgress: watched(() => {}) }),
      runner.postTask(() => {}, { transfer: watched([]) }),
      runner.postTaskAndReply(
        () => {},
        watched(() => {}),
        { replyTo: runner },
      ),
    ]
    for (const handle of handles) handle.cancel()
    const repeating = runner.postRepeatingTask(
      watched(() => {}),
      5,
    )
    repeating.stop()
    pause[Symbol.dispose]()
    await runner.waitIdle()
    expect(await areCollected(refs)).toBe(true)
    expect([handles.map(({ state }) => state), repeating.state]).toEqual([['cancelled', 'cancelled', 'cancelled'], 'stopped'])
  })
})
