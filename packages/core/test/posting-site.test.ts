import { inlineExecutor } from '@posttask/backend-inline'
import {
  bindPostTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  SequenceBound,
  SequencedTaskRunner,
  type TaskErrorEvent,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import { describe, expect, test } from 'vitest'

const arithmetic = taskModule<typeof import('./fixtures/arithmetic.ts')>(new URL('./fixtures/arithmetic.ts', import.meta.url))

const sitesOf = (error: unknown): string[] =>
  String((error as Error).stack)
    .split('--- posted from ---')
    .slice(1)

describe('the posting site in the stack of a time limit', () => {
  const traced = () => createTestEnvironment({ pool: { traceOrigin: true, onTaskError: () => {} } })

  test('E5 traceOrigin: a run that passes its timeout or queueTimeout shows its caller, once', async () => {
    await using env = traced()
    const runner = new SequencedTaskRunner(env.pool)
    const keyed = new KeyedTaskRunner(env.pool)
    const paused = new SequencedTaskRunner(env.pool)
    using _pause = paused.pause()
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    function askedByThis(): void {
      runner.run((context) => context.sleep(1000), { timeout: 5 }).catch(keep)
      paused.run(() => {}, { queueTimeout: 5 }).catch(keep)
      paused.run(() => {}, { delay: 1, queueTimeout: 5 }).catch(keep)
      keyed
        .forKey(1)
        .run((context) => context.sleep(1000), { timeout: 5 })
        .catch(keep)
    }
    askedByThis()
    await env.advanceBy(1000)
    expect(errors).toHaveLength(4)
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
      expect(sitesOf(error)).toEqual([expect.stringMatching(/^\s*at (?:\S+\.)?askedByThis .*posting-site\.test\.ts/)])
    }
  })

  test('E5 traceOrigin: a posted task that passes its timeout shows its poster, once', async () => {
    const events: TaskErrorEvent[] = []
    await using env = createTestEnvironment({ pool: { traceOrigin: true, onTaskError: (event) => void events.push(event) } })
    const runner = new SequencedTaskRunner(env.pool)
    function postedByThis(): void {
      runner.postTask((context) => context.sleep(1000), { timeout: 5 })
    }
    postedByThis()
    await env.advanceBy(1000)
    expect(events).toHaveLength(1)
    expect(sitesOf(events[0]?.error)).toEqual([expect.stringMatching(/^\s*at postedByThis .*posting-site\.test\.ts/)])
  })

  test('E5 traceOrigin: a run that is cancelled without a reason shows its caller too', async () => {
    await using env = traced()
    const runner = new SequencedTaskRunner(env.pool)
    const askedByThis = (): Promise<unknown> => runner.run((context) => context.sleep(1000))
    const told = askedByThis().catch((error: unknown) => error)
    await env.advanceBy(1)
    for (const task of [...runner.inFlight]) task.cancel()
    const error = await told
    expect(error).toMatchObject({ code: 'ERR_TASK_CANCELLED' })
    expect(sitesOf(error)).toEqual([expect.stringMatching(/^\s*at askedByThis .*posting-site\.test\.ts/)])
  })

  test('E5 a reason of the canceller stays the very one, and as it was', async () => {
    await using env = traced()
    const runner = new SequencedTaskRunner(env.pool)
    const reason = new Error('mine')
    const { stack } = reason
    const controller = new AbortController()
    const told = runner.run(() => {}, { signal: controller.signal, delay: 10 }).catch((error: unknown) => error)
    controller.abort(reason)
    expect(await told).toBe(reason)
    expect(reason.stack?.startsWith(stack as string)).toBe(true)
    expect(sitesOf(reason)).toEqual([])
  })

  test('E5 without traceOrigin nothing is added', async () => {
    await using env = createTestEnvironment()
    const runner = new SequencedTaskRunner(env.pool)
    const told = runner.run((context) => context.sleep(1000), { timeout: 5 }).catch((error: unknown) => error)
    await env.advanceBy(1000)
    expect(sitesOf(await told)).toEqual([])
  })
})

describe('tasks that are posted on behalf of a caller', () => {
  const watched = () => {
    const seen: (readonly [name: string, site: string | undefined])[] = []
    const pool = new ThreadPool({
      executor: inlineExecutor(),
      traceOrigin: true,
      observer: { onPosted: ({ name, origin }) => void seen.push([name, origin?.split('\n')[0]?.trim()]) },
    })
    return { pool, seen }
  }
  const here = expect.stringMatching(/^at (?:\S+\.)?calledByThis .*posting-site\.test\.ts/)

  const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items);
  }

  test.each([
    ['an iterable', () => [1, 2]],
    [
      'an async iterable',
      async function* () {
        yield* [1, 2]
      },
    ],
  ])('E5 tasks of map over %s have the name of the mapper and the site of the call', async (_what, makeItems) => {
    const { pool, seen } = watched()
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1 })
    function calledByThis(): AsyncIterable<unknown>[] {
      return [
        runner.map(makeItems(), async function thumbnail() {}),
        runner.map(makeItems(), arithmetic.square),
        runner.map(makeItems(), function unnamed() {}, { name: 'named by option' }),
      ]
    }
    for (const results of calledByThis()) await drain(results)
    expect(seen).toEqual(
      ['thumbnail', 'thumbnail', 'square', 'square', 'named by option', 'named by option'].map((name) => [name, here]),
    )
    await pool.close()
  })

  test('F6 a mapper without a name leaves the default one', async () => {
    const { pool, seen } = watched()
    await drain(
      new SequencedTaskRunner(pool).map(
        [1],
        (
          () => () =>
            1
        )(),
      ),
    )
    expect(seen.map(([name]) => name)).toEqual([expect.stringMatching(/^task \d+$/)])
    await pool.close()
  })

  test('E5 what an observer posts while it is told of such a task has its own site', async () => {
    const sites: (string | undefined)[] = []
    const pool = new ThreadPool({
      executor: inlineExecutor(),
      traceOrigin: true,
      observer: {
        onPosted({ name, origin }) {
          if (name !== 'mapped') sites.push(origin?.split('\n')[0]?.trim())
          else postedByHook()
        },
      },
    })
    const other = new SequencedTaskRunner(pool)
    function postedByHook(): void {
      other.postTask(() => {}, { name: 'of the hook' })
    }
    await drain(new SequencedTaskRunner(pool).map([1], function mapped() {}))
    expect(sites).toEqual([expect.stringMatching(/^at postedByHook /)])
    await pool.close()
  })

  test('E5 calls of a SequenceBound and of a bound callback were posted by their caller', async () => {
    const { pool, seen } = watched()
    const runner = new SequencedTaskRunner(pool)
    class Log {
      add(): void {}
    }
    async function calledByThis(): Promise<void> {
      const log = SequenceBound.create(runner, Log)
      const callback = bindPostTask(runner, function callback() {})
      callback()
      void log.call.add()
      void log.post(() => {})
      await log[Symbol.asyncDispose]()
    }
    await calledByThis()
    expect(seen).toEqual(['new Log', 'callback', 'Log.add', 'Log.post', 'Log.dispose'].map((name) => [name, here]))
    await pool.close()
  })
})
