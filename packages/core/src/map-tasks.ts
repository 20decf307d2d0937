import type { BoundTask, Closure, PostOptions, Task, TaskContext } from './task.ts'
import { isStub } from './task-module.ts'
import type { TaskRunner } from './task-runner.ts'
import { checkedCount } from './traits.ts'

/** Options of `map`. Those of a post are for each item's task. */
export interface MapOptions extends PostOptions {
  /** True (default): results in the order of the items. False: as they come. */
  ordered?: boolean | undefined
  /** How many items are under way or waiting to be taken at a time. Default: twice what the runner runs at a time, 32 at the most. */
  window?: number | undefined
}

/** What is done with each item: a closure that is given it, or a stub that is bound to it. */
export type Mapper<Item, Result> =
  | ((item: Item, context: TaskContext) => Result | PromiseLike<Result>)
  | ((item: Item) => BoundTask<Result>)

/** What a mapper may give: where the runner takes no closures, a bound task. */
export type MapOutcome<Accepts, Outcome> = Closure extends Accepts ? Outcome : Outcome & BoundTask

/** What an item becomes: the result of the closure, or of the task that the stub gave. */
export type MapResult<Outcome> = Outcome extends BoundTask<infer Result> ? Awaited<Result> : Awaited<Outcome>

interface Outcome {
  readonly key: number
  readonly error?: unknown
  readonly value?: unknown
  readonly failed: boolean
}

const taskFor = <Item, Result>(mapper: Mapper<Item, Result>, item: Item): Task<Result> =>
  isStub(mapper)
    ? (mapper as (item: Item) => BoundTask<Result>)(item)
    : (context) => (mapper as (item: Item, context: TaskContext) => Result)(item, context)

/**
 * Runs a task for each item, at most `window` ahead of the consumer. The first failure ends the iteration; leaving the
 * loop early, by it or by `break`, cancels what is under way.
 */
export async function* mapTasks<Item, Result>(
  runner: TaskRunner,
  items: Iterable<Item> | AsyncIterable<Item>,
  mapper: Mapper<Item, Result>,
  options: MapOptions,
): AsyncGenerator<Result, void, undefined> {
  const { ordered = true, window: wanted, signal, ...postOptions } = options
  const window = checkedCount(wanted ?? Math.min(32, runner.maxConcurrency * 2), 'window')
  const aborter = new AbortController()
  const onAbort = (): void => aborter.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort)
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const underWay = new Map<number, Promise<Outcome>>()
  let next = 0
  let isExhausted = false
  /** The item that an asynchronous source was asked for, or that waits for room. */
  let pull: Promise<undefined> | undefined

  const take = (result: IteratorResult<Item, unknown>): void => {
    if (result.done) {
      isExhausted = true
      return
    }
    const key = next++
    const outcome = runner.run(taskFor(mapper, result.value), { ...postOptions, signal: aborter.signal }).then(
      (value): Outcome => ({ key, value, failed: false }),
      (error: unknown): Outcome => ({ key, error, failed: true }),
    )
    underWay.set(key, outcome)
  }

  const bring = async (coming: IteratorResult<Item, unknown> | Promise<IteratorResult<Item, unknown>>): Promise<undefined> => {
    const result = await coming
    // A bounded queue sets the pace as well (Q1).
    if (!result.done && runner.isBounded) await runner.ready()
    pull = undefined
    take(result)
  }

  try {
    for (;;) {
      while (!isExhausted && pull === undefined && underWay.size < window) {
        const result = source.next()
        if (result instanceof Promise || runner.isBounded) pull = bring(result)
        else take(result as IteratorResult<Item, unknown>)
      }
      if (underWay.size === 0 && pull === undefined) return
      const [first] = underWay.values()
      const outcomes = ordered ? (first === undefined ? [] : [first]) : [...underWay.values()]
      const outcome = await Promise.race(pull === undefined ? outcomes : [...outcomes, pull])
      if (outcome === undefined) continue
      underWay.delete(outcome.key)
      if (outcome.failed) throw outcome.error
      yield outcome.value as Result
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    if (underWay.size > 0) aborter.abort(new DOMException('the iteration over map() has ended', 'AbortError'))
    // An item that is still to come is nobody's any more.
    pull?.catch(() => {})
    if (!isExhausted) await source.return?.()
  }
}
