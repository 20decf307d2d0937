import { inlineExecutor } from '@posttask/backend-inline'
import {
  ParallelTaskRunner,
  SequencedTaskRunner,
  type TaskHandle,
  type TaskPriority,
  type TaskRunner,
  ThreadPool,
} from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DelayQueue } from '../src/delay-queue.ts'

// A failure prints the seed and the path with which fast-check replays it.
const check = async <T>(property: fc.IAsyncProperty<T>, numRuns = 100): Promise<void> => {
  await fc.assert(property, { numRuns })
}

const priority = fc.constantFrom<TaskPriority>('best-effort', 'user-visible', 'user-blocking')
const rank: Record<TaskPriority, number> = { 'user-blocking': 0, 'user-visible': 1, 'best-effort': 2 }

/** What a task does: it takes so many ms, may fail, and may post more to the same runner. */
interface Work {
  readonly kind: 'sync' | 'sleep' | 'microtasks' | 'fail'
  readonly ms: number
  readonly children: number
  readonly delay: number
}

const work = fc.record<Work>({
  kind: fc.constantFrom('sync', 'sleep', 'microtasks', 'fail'),
  ms: fc.nat(5),
  children: fc.nat(2),
  delay: fc.constantFrom(0, 0, 0, 1, 3),
})

describe('properties', () => {
  test('S1 S2 S3 each task of a sequence runs once, alone, in the order in which the tasks joined the queue', async () => {
    await check(
      fc.asyncProperty(fc.array(work, { maxLength: 30 }), async (works) => {
        const env = createTestEnvironment({ pool: { onTaskError: () => {} } })
        const runner = new SequencedTaskRunner(env.pool)
        // The reference: a list that posts append to at their due time.
        const joined: number[] = []
        const started: number[] = []
        const ended: number[] = []
        let active = 0
        let posted = 0
        const post = ({ kind, ms, children, delay }: Work, isChild: boolean): void => {
          const id = posted++
          if (delay === 0) joined.push(id)
          const body = (): void => {
            expect(++active).toBe(1)
            started.push(id)
            if (!isChild) for (let child = 0; child < children; child++) post({ kind, ms, children: 0, delay: 0 }, true)
          }
          const end = (): void => {
            active--
            ended.push(id)
          }
          const task = async (context: { sleep(ms: number): Promise<void> }): Promise<void> => {
            body()
            if (kind === 'sleep') await context.sleep(ms)
            if (kind === 'microtasks') for (let time = 0; time < ms; time++) await undefined
            end()
            if (kind === 'fail') throw new Error('expected')
          }
          if (delay === 0) runner.postTask(kind === 'sync' ? () => [body(), end()] : task)
          else runner.postDelayedTask(task, delay)
        }
        for (const one of works) post(one, false)
        await env.fastForwardUntilNoTasksRemain()
        const undelayed = started.filter((id) => joined.includes(id))
        expect(undelayed).toEqual(joined)
        expect(started.toSorted((a, b) => a - b)).toEqual(Array.from({ length: posted }, (_, index) => index))
        expect(ended).toEqual(started)
        expect(runner.stats()).toMatchObject({ pending: 0, running: 0, delayed: 0 })
        await env.discard()
      }),
    )
  })

  test('P1 a parallel runner: each task once, at most N at a time, N where there is work for it, starts by priority then order', async () => {
    await check(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ priority, ms: fc.integer({ min: 1, max: 6 }) }), { maxLength: 30 }),
        async (maxConcurrency, posts) => {
          const env = createTestEnvironment({ pool: { agingMs: Number.POSITIVE_INFINITY } })
          const runner = new ParallelTaskRunner(env.pool, { maxConcurrency })
          const started: number[] = []
          let active = 0
          let most = 0
          for (const [id, { priority: level, ms }] of posts.entries()) {
            runner.postTask(
              async (context) => {
                started.push(id)
                most = Math.max(most, ++active)
                await context.sleep(ms)
                active--
              },
              { priority: level },
            )
          }
          await env.fastForwardUntilNoTasksRemain()
          const order = posts
            .map((_post, id) => id)
            .toSorted((a, b) => rank[posts[a]!.priority] - rank[posts[b]!.priority] || a - b)
          expect(started).toEqual(order)
          expect(most).toBe(Math.min(maxConcurrency, posts.length))
          await env.discard()
        },
      ),
    )
  })

  test('P2 S5 one slot, many sequences: always the highest effective priority, equal ones in turn', async () => {
    await check(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(4), priority), { maxLength: 40 }), async (posts) => {
        const env = createTestEnvironment({ executor: { maxConcurrency: 1 }, pool: { agingMs: Number.POSITIVE_INFINITY } })
        const runners = Array.from({ length: 5 }, () => new SequencedTaskRunner(env.pool))
        const started: string[] = []
        // The reference: queues, and a list of runners that wait, each with the turn in which it came to its level.
        const queues = runners.map((): { readonly id: string; readonly level: number }[] => [])
        const ready: { readonly index: number; readonly level: number }[] = []
        const levelOf = (index: number): number => Math.min(...queues[index]!.map(({ level }) => level), rank['user-visible'])
        const join = (index: number): void => {
          const at = ready.findIndex((entry) => entry.index === index)
          if (at !== -1 && ready[at]!.level === levelOf(index)) return
          if (at !== -1) ready.splice(at, 1)
          if (queues[index]!.length > 0) ready.push({ index, level: levelOf(index) })
        }
        for (const [number, [index, level]] of posts.entries()) {
          const id = `${index}.${number}`
          runners[index]!.postTask(() => void started.push(id), { priority: level })
          queues[index]!.push({ id, level: rank[level] })
          join(index)
        }
        const expected: string[] = []
        while (ready.length > 0) {
          const best = Math.min(...ready.map(({ level }) => level))
          const [entry] = ready.splice(
            ready.findIndex(({ level }) => level === best),
            1,
          )
          expected.push(queues[entry!.index]!.shift()!.id)
          join(entry!.index)
        }
        await env.runUntilIdle()
        expect(started).toEqual(expected)
        await env.discard()
      }),
    )
  })

  test('C1 W4 W7 posts, cancels, pauses, time and shutdown at random: every task has exactly one outcome, and nothing starts after the end', async () => {
    const action = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant('post' as const), ms: fc.nat(4), delay: fc.constantFrom(0, 0, 2, 5) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(30) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'flush' as const) }) },
    )
    await check(
      fc.asyncProperty(
        fc.constantFrom('sequenced', 'parallel'),
        fc.array(action, { maxLength: 40 }),
        fc.constantFrom('close' as const, 'shutdown' as const),
        async (kind, actions, end) => {
          const rejected = new Set<number>()
          const finished = new Map<number, string>()
          const env = createTestEnvironment({
            pool: {
              onTaskRejected: ({ task }) => void rejected.add(task.id),
              observer: {
                onFinished: ({ task, name, outcome }) => {
                  expect(finished.has(task.id)).toBe(false)
                  if (name !== 'flush') finished.set(task.id, outcome)
                },
                onRejected: ({ task, name, reason }) => {
                  expect(finished.has(task.id)).toBe(false)
                  if (name !== 'flush') finished.set(task.id, reason)
                },
              },
            },
          })
          const runner: TaskRunner =
            kind === 'parallel' ? new ParallelTaskRunner(env.pool, { maxConcurrency: 3 }) : new SequencedTaskRunner(env.pool)
          const handles: TaskHandle[] = []
          const runs = new Map<number, number>()
          let isFinished = false
          for (const step of actions) {
            if (step.do === 'post') {
              const task = async (context: { readonly id: number; sleep(ms: number): Promise<void> }): Promise<void> => {
                expect(isFinished).toBe(false)
                runs.set(context.id, (runs.get(context.id) ?? 0) + 1)
                await context.sleep(step.ms).catch(() => {})
              }
              handles.push(runner.postDelayedTask(task, step.delay))
            } else if (step.do === 'cancel') handles[step.which % Math.max(1, handles.length)]?.cancel()
            else if (step.do === 'advance') await env.advanceBy(step.ms)
            else if (step.do === 'pause') runner.pause()
            else runner.flush().catch(() => {})
          }
          if (end === 'shutdown') runner.shutdown()
          const closing = runner.close()
          await env.fastForwardUntilNoTasksRemain()
          await closing
          isFinished = true
          await env.advanceBy(100)
          for (const { id, state } of handles) {
            expect(['succeeded', 'cancelled', 'rejected']).toContain(state)
            expect(runs.get(id) ?? 0).toBeLessThanOrEqual(1)
            if (state === 'succeeded') expect(runs.get(id)).toBe(1)
            if (state === 'rejected') expect(runs.get(id)).toBeUndefined()
            expect(finished.has(id)).toBe(true)
          }
          const { completed, cancelled, rejected: refused, pending, running, delayed } = runner.stats()
          expect(completed + cancelled + refused).toBe(finished.size)
          expect([pending, running, delayed, env.nextDeadline()]).toEqual([0, 0, 0, undefined])
          await env.discard()
        },
      ),
    )
  })

  test('Q1 a bounded queue never holds more than its limit, and drops exactly what its policy says', async () => {
    await check(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('reject' as const, 'drop-newest' as const, 'drop-oldest' as const),
        fc.array(fc.boolean(), { maxLength: 30 }),
        async (queueLimit, onFull, steps) => {
          const env = createTestEnvironment({ pool: { onTaskRejected: () => {} } })
          const runner = new SequencedTaskRunner(env.pool, { queueLimit, onFull })
          const model: number[] = []
          const expected: number[] = []
          const seen: number[] = []
          for (const [id, isPost] of steps.entries()) {
            if (isPost) {
              runner.postTask(() => void seen.push(id))
              // The first has a free slot, and does not wait.
              if (model.length < queueLimit + 1) model.push(id)
              else if (onFull === 'drop-oldest') {
                model.splice(1, 1)
                model.push(id)
              }
              expect(runner.stats().pending).toBe(model.length)
            } else {
              await env.runUntilIdle()
              expected.push(...model.splice(0))
            }
          }
          await env.runUntilIdle()
          expect(seen).toEqual([...expected, ...model])
          await env.discard()
        },
      ),
    )
  })

  test('D1 the delay queue against a sorted list: additions, removals, and due times with ties', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ remove: fc.nat(50) }) },
      { weight: 1, arbitrary: fc.record({ advance: fc.nat(8) }) },
    )
    await check(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        let now = 0
        let timer: { readonly at: number; readonly fire: () => void } | undefined
        const queue = new DelayQueue({
          now: () => now,
          setTimer: (delay, fire) => {
            const mine = { at: now + delay, fire }
            timer = mine
            return { cancel: () => void (timer === mine && (timer = undefined)) }
          },
          nextTurn: () => {},
        })
        let model: { readonly due: number; readonly id: number; order: number; onDue(): void }[] = []
        const seen: number[] = []
        const expected: number[] = []
        let ids = 0
        for (const one of steps) {
          if ('add' in one) {
            const id = ++ids
            const entry = { id, due: now + one.add, order: 0, onDue: () => void seen.push(id) }
            model.push(entry)
            queue.add(entry, entry.due)
          } else if ('remove' in one) {
            const [entry] = model.length > 0 ? model.splice(one.remove % model.length, 1) : []
            if (entry !== undefined) queue.remove(entry)
          } else {
            now += one.advance
            while (timer !== undefined && timer.at <= now) {
              const { fire } = timer
              timer = undefined
              fire()
            }
            const due = model.filter((entry) => entry.due <= now).toSorted((a, b) => a.due - b.due || a.id - b.id)
            expected.push(...due.map(({ id }) => id))
            model = model.filter((entry) => entry.due > now)
          }
          expect(seen).toEqual(expected)
          expect(queue.size).toBe(model.length)
          expect(queue.nextDue).toBe(model.length === 0 ? undefined : Math.min(...model.map(({ due }) => due)))
        }
      }),
      300,
    )
  })

  test('G-46 G-48 S1 a hundred interleaved producers: each task exactly once, in order for each producer', async () => {
    await using pool = new ThreadPool({ executor: inlineExecutor() })
    const runner = new SequencedTaskRunner(pool)
    const seen: [producer: number, task: number][] = []
    const produce = async (producer: number): Promise<void> => {
      for (let task = 0; task < 100; task++) {
        runner.postTask(() => void seen.push([producer, task]))
        if ((producer * 7 + task * 3) % 5 === 0) await undefined
        if ((producer + task) % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await Promise.all(Array.from({ length: 100 }, (_, producer) => produce(producer)))
    await runner.waitIdle()
    expect(seen).toHaveLength(10_000)
    const next = new Array<number>(100).fill(0)
    for (const [producer, task] of seen) expect(task).toBe(next[producer]!++)
    expect(runner.stats()).toMatchObject({ running: 0, completed: 10_000 })
  })
})
