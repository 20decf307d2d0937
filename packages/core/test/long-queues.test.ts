import { AsyncLocalStorage } from 'node:async_hooks'
import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  SequencedTaskRunner,
  type TaskContext,
  type TaskHandle,
  type TaskRunner,
  ThreadPool,
  type ThreadPoolOptions,
} from '@posttask/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

// Functions that are posted alone to a long queue wait in packs, without records of their own. Nobody may notice. A pool
// with an observer of posts makes records at once, and is what they are compared with.

/** So many wait before functions are packed. */
const long = 1024

type Settings = Omit<ThreadPoolOptions, 'executor'>

/** Neither slices nor aging depend on the time that the machine takes. */
const newPool = (settings: Settings = {}): ThreadPool =>
  new ThreadPool({ executor: inlineExecutor(), turnBudgetMs: 1e6, agingMs: Number.POSITIVE_INFINITY, ...settings })

/** A runner with a long queue that does not move yet. */
const held = (settings?: Settings): { runner: SequencedTaskRunner; release: () => void } => {
  const runner = new SequencedTaskRunner(newPool(settings), { name: 'long' })
  const pause = runner.pause()
  for (let task = 0; task < long; task++) runner.postTask(() => {})
  return { runner, release: () => pause[Symbol.dispose]() }
}

type Step =
  | {
      readonly kind: 'post' | 'run' | 'fail' | 'named' | 'urgent' | 'idle' | 'mixed' | 'async' | 'nested'
      readonly times: number
    }
  | { readonly kind: 'cancel'; readonly index: number; readonly times: number }
  | { readonly kind: 'raise' | 'lower' | 'flush' | 'shutdown' | 'close' | 'waitIdle' | 'breathe' }

const priorities = ['best-effort', 'user-visible', 'user-blocking'] as const
const times = fc.integer({ min: 1, max: 150 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('post', 'run', 'fail', 'named', 'urgent', 'idle', 'mixed', 'async', 'nested'),
      times,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cancel'), index: fc.nat(2000), times }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('raise', 'lower', 'flush', 'waitIdle', 'breathe') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('shutdown', 'close') }) },
)

/** Carries a program out, and tells all that can be seen of it. */
const carryOut = async (
  program: readonly Step[],
  make: (pool: ThreadPool) => TaskRunner,
  settings: Settings,
): Promise<unknown> => {
  const log: string[] = []
  const pool = newPool({
    ...settings,
    onTaskError: ({ name, task, error }) => log.push(`error ${name} ${task.id} ${String(error)}`),
    onTaskRejected: ({ name, task, reason }) => log.push(`rejected ${name} ${task.id} ${reason}`),
  })
  const runner = make(pool)
  let pause: Disposable | undefined = runner.pause()
  for (let task = 0; task < long; task++) runner.postTask(() => {})
  const handles: TaskHandle[] = []
  const outcomes: Promise<unknown>[] = []
  let last = 0
  const body = (context: TaskContext): number => {
    log.push(`runs ${context.id} ${context.priority}`)
    return context.id
  }
  const tell = (what: string, promise: Promise<unknown>): void => {
    const outcome = promise.then(
      (value) => `${what} gave ${String(value)}`,
      (error: unknown) => `${what} threw ${String(error)}`,
    )
    outcomes.push(outcome.then((text) => log.push(text)))
  }
  const post = (kind: Step['kind']): void => {
    const number = ++last
    if (kind === 'post') handles.push(runner.postTask(body))
    else if (kind === 'run') tell(`run ${number}`, runner.run(body))
    else if (kind === 'named') handles.push(runner.postTask(body, { name: `named ${number}` }))
    else if (kind === 'urgent') handles.push(runner.postTask(body, { priority: 'user-blocking' }))
    else if (kind === 'idle') tell(`idle ${number}`, runner.run(body, { priority: 'best-effort' }))
    else if (kind === 'mixed') handles.push(runner.postTask(body, { priority: priorities[number % 3] }))
    else if (kind === 'nested') {
      const outer = (context: TaskContext): void => {
        body(context)
        handles.push(runner.postTask(body))
      }
      handles.push(runner.postTask(outer))
    } else if (kind === 'async')
      handles.push(
        runner.postTask(async (context) => {
          body(context)
          await Promise.resolve()
          log.push(`ends ${context.id} ${context.signal.aborted}`)
        }),
      )
    else
      handles.push(
        runner.postTask((context) => {
          body(context)
          throw new Error(`fails ${context.id}`)
        }),
      )
  }
  for (const { kind, ...rest } of program) {
    if (kind === 'cancel') {
      const { index, times: count } = rest as { index: number; times: number }
      for (let i = 0; i < count; i++) {
        const handle = handles[(index + i * 3) % Math.max(1, handles.length)]
        if (handle !== undefined) log.push(`cancel ${handle.id} ${handle.cancel()}`)
      }
    } else if (kind === 'raise') runner.updatePriority('user-blocking')
    else if (kind === 'lower') runner.updatePriority('best-effort')
    else if (kind === 'flush')
      tell(
        'flush',
        runner.flush(() => void log.push('barrier')),
      )
    else if (kind === 'waitIdle') tell('idle', runner.waitIdle())
    else if (kind === 'shutdown')
      log.push(
        `dropped ${runner
          .shutdown()
          .dropped.map(({ id }) => id)
          .join()}`,
      )
    else if (kind === 'close') tell('close', runner.close())
    else if (kind === 'breathe') {
      pause?.[Symbol.dispose]()
      pause = undefined
      // Half of what waits runs, the rest goes on beside the next steps.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    } else for (let i = 0; i < (rest as { times: number }).times; i++) post(kind)
    log.push(`${kind}: ${handles.map(told).join()}`, JSON.stringify(counts(runner)))
  }
  pause?.[Symbol.dispose]()
  await runner.waitQuiescent()
  await Promise.all(outcomes)
  log.push(handles.map(({ state }) => state).join(), JSON.stringify(counts(runner)))
  return log
}

/** Who watches keeps the names of tasks that have ended. */
const told = ({ id, state, name }: TaskHandle): string =>
  `${id} ${state} ${state === 'queued' || state === 'running' ? name : ''}`

const counts = (runner: TaskRunner): unknown => {
  const { pending, running, completed, failed, cancelled, rejected } = runner.stats()
  return { pending, running, completed, failed, cancelled, rejected }
}

const kinds = [
  ['a sequence', (pool: ThreadPool) => new SequencedTaskRunner(pool, { name: 'runner' })],
  ['a parallel runner, one at a time', (pool: ThreadPool) => new ParallelTaskRunner(pool, { maxConcurrency: 1, name: 'runner' })],
  ['a parallel runner', (pool: ThreadPool) => new ParallelTaskRunner(pool, { maxConcurrency: 5, name: 'runner' })],
] as const

describe.each(kinds)('%s', (_, make) => {
  test.each([{}, { asyncContext: false }, { timing: true }])(
    'S1 F1 C1 W4 a long queue does what one of records does, %o',
    async (settings) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (program) => {
          const packed = await carryOut(program, make, settings)
          expect(packed).toEqual(await carryOut(program, make, { ...settings, observer: { onPosted: () => {} } }))
        }),
        { numRuns: 30 },
      )
    },
    60_000,
  )
})

describe('the handle of a function that waits in a long queue', () => {
  test('tells each state, and the name', async () => {
    const { runner, release } = held({ onTaskError: () => {} })
    const seen: string[] = []
    const succeeds = runner.postTask(function good() {
      seen.push(`${succeeds.state} ${succeeds.name}`)
    })
    let finish = (): void => {}
    const waits = runner.postTask(function slow() {
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    const fails = runner.postTask(function bad() {
      throw new Error('no')
    })
    const never = runner.postTask(function unwanted() {})
    expect([succeeds, waits, fails, never].map(({ state, name }) => `${state} ${name}`)).toEqual([
      'queued good',
      'queued slow',
      'queued bad',
      'queued unwanted',
    ])
    expect([never.cancel(), never.cancel()]).toEqual([true, false])
    release()
    while (waits.state === 'queued') await Promise.resolve()
    expect([waits.state, waits.name, succeeds.state, fails.state]).toEqual(['running', 'slow', 'succeeded', 'queued'])
    finish()
    await runner.waitIdle()
    expect(seen).toEqual(['running good'])
    expect([succeeds, waits, fails, never].map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'failed', 'cancelled'])
    expect([succeeds, waits, fails].map(({ id, name }) => name === `task ${id}`)).toEqual([true, true, true])
  })

  test('C2 cancels it while it runs: its signal fires with the reason, and the outcome is told once', async () => {
    const { runner, release } = held()
    const reasons: unknown[] = []
    const handle = runner.postTask(async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      reasons.push(signal.reason)
    })
    runner.postTask(() => {})
    release()
    while (handle.state === 'queued') await Promise.resolve()
    expect(handle.cancel('enough')).toBe(true)
    expect(handle.state).toBe('cancelled')
    await runner.waitIdle()
    expect(reasons).toEqual(['enough'])
    expect(runner.stats()).toMatchObject({ completed: long + 1, cancelled: 1, failed: 0 })
  })

  test('C2 P1 tells of each of several that run at a time', async () => {
    const runner = new ParallelTaskRunner(newPool(), { maxConcurrency: 3 })
    const pause = runner.pause()
    for (let task = 0; task < long; task++) runner.postTask(() => {})
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const handles = Array.from({ length: 3 }, (_, index) =>
      runner.postTask(async ({ signal }) => {
        await released
        if (index === 1) throw signal.reason
      }),
    )
    pause[Symbol.dispose]()
    while (handles[2]?.state === 'queued') await Promise.resolve()
    expect(handles.map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    expect([handles[1]?.cancel('not this one'), handles[1]?.cancel()]).toEqual([true, false])
    expect(handles.map(({ state }) => state)).toEqual(['running', 'cancelled', 'running'])
    release()
    await runner.waitIdle()
    expect(handles.map(({ state }) => state)).toEqual(['succeeded', 'cancelled', 'succeeded'])
  })

  test('C2 cancels it from within its synchronous part', async () => {
    const { runner, release } = held()
    const seen: unknown[] = []
    const handle = runner.postTask(({ signal }) => {
      seen.push(handle.cancel(), handle.state, signal.aborted)
    })
    release()
    await runner.waitIdle()
    expect(seen).toEqual([true, 'cancelled', true])
  })

  test('C1 cancels it as a disposable: it never runs', async () => {
    const { runner, release } = held()
    let runs = 0
    {
      using _ = runner.postTask(() => runs++)
    }
    release()
    await runner.waitIdle()
    expect([runs, runner.stats().cancelled]).toEqual([0, 1])
  })

  test('W4 has the id that the report of shutdown() names', () => {
    const { runner } = held()
    const handles = [
      runner.postTask(() => {}),
      runner.postTask(() => {}, { shutdown: 'block-shutdown' }),
      runner.postTask(() => {}),
    ]
    const dropped = new Set(runner.shutdown().dropped.map(({ id }) => id))
    expect(handles.map(({ id, state }) => `${dropped.has(id)} ${state}`)).toEqual([
      'true rejected',
      'false queued',
      'true rejected',
    ])
  })
})

test('E4 each function of a long queue runs in the context of its own poster', async () => {
  const { runner, release } = held()
  const storage = new AsyncLocalStorage<number>()
  const seen: unknown[] = []
  const outcomes = Array.from({ length: 300 }, (_, index) =>
    storage.run(index, () => {
      runner.postTask(() => seen.push(storage.getStore()))
      return runner.run(() => storage.getStore())
    }),
  )
  release()
  expect(await Promise.all(outcomes)).toEqual(outcomes.map((_, index) => index))
  expect(seen).toEqual(outcomes.map((_, index) => index))
})

test('C1 a long queue of which all was cancelled holds nothing', async () => {
  const { runner, release } = held()
  const big = (): (() => void) => {
    const bytes = new Uint8Array(1000)
    return () => void bytes[0]
  }
  const refs: WeakRef<() => void>[] = []
  const postAndCancel = (): void => {
    const task = big()
    refs.push(new WeakRef(task))
    runner.postTask(task).cancel()
  }
  for (let task = 0; task < 300; task++) postAndCancel()
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  expect(refs.filter((ref) => ref.deref() !== undefined)).toHaveLength(0)
  release()
  await runner.waitIdle()
  expect(runner.stats()).toMatchObject({ completed: long, cancelled: 300 })
})
