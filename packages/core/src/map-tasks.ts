import { captureCaller, type Origin } from './origin.ts'
import { checkOptions, checkTask, kindOf } from './post-checks.ts'
import { postFrom } from './poster.ts'
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

type Items<Item> = Iterable<Item> | AsyncIterable<Item>

const ignore = (): void => {}

/** The iterator of the items, asked and closed by the iterator protocol. */
class Source<Item> {
  readonly isAsync: boolean
  /** True while an item was asked for and is not there. */
  isAsked = false
  /** True when it said that it has no more items, or failed to say: then it must not be closed. */
  isOver = false
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>

  constructor(items: Items<Item>) {
    this.isAsync = isAsync(items)
    this.#iterator = isAsync(items) ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  }

  next(): IteratorResult<Item, unknown> {
    this.isOver = true
    const result = this.#iterator.next() as IteratorResult<Item, unknown>
    this.isOver = result.done === true
    return result
  }

  async nextLater(): Promise<IteratorResult<Item, unknown>> {
    this.isAsked = true
    try {
      const result = await this.#iterator.next()
      this.isOver = result.done === true
      return result
    } catch (error) {
      this.isOver = true
      throw error
    } finally {
      this.isAsked = false
    }
  }

  async close(): Promise<void> {
    if (!this.isOver) await this.#iterator.return?.()
  }
}

const isAsync = <Item>(items: Items<Item>): items is AsyncIterable<Item> =>
  typeof (items as Partial<AsyncIterable<Item>>)[Symbol.asyncIterator] === 'function'

const isIterable = (items: unknown): boolean =>
  items !== null &&
  items !== undefined &&
  (isAsync(items as Items<unknown>) || typeof (items as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function')

const taskFor = <Item, Result>(mapper: Mapper<Item, Result>, item: Item): Task<Result> =>
  isStub(mapper)
    ? (mapper as (item: Item) => BoundTask<Result>)(item)
    : (context) => (mapper as (item: Item, context: TaskContext) => Result)(item, context)

/**
 * Runs a task for each item, at most `window` ahead of the consumer. The first failure ends the iteration; leaving the
 * loop early, by it or by `break`, cancels what is under way.
 * @throws TypeError, RangeError at the call for bad arguments (F6)
 */
export const mapTasks = <Item, Result>(
  runner: TaskRunner,
  items: Items<Item>,
  mapper: Mapper<Item, Result>,
  options: MapOptions,
): AsyncGenerator<Result, void, undefined> => {
  if (!isIterable(items))
    throw new TypeError(`map on runner "${runner.name}" was given ${kindOf(items)} as its items; pass an iterable, async or not`)
  if (typeof mapper !== 'function')
    throw new TypeError(
      `map on runner "${runner.name}" was given ${kindOf(mapper)} as its mapper; pass a function of an item, or a stub of taskModule`,
    )
  if (!isStub(mapper)) checkTask(runner, mapper as Closure)
  checkOptions(options)
  const window = checkedCount(options.window ?? Math.min(32, runner.maxConcurrency * 2), 'window')
  const name = options.name ?? (mapper.name || undefined)
  return iterate(runner, items, mapper, { ...options, name, window }, captureCaller(runner.pool, 2))
}

async function* iterate<Item, Result>(
  runner: TaskRunner,
  items: Items<Item>,
  mapper: Mapper<Item, Result>,
  options: MapOptions & { readonly window: number },
  origin: Origin | undefined,
): AsyncGenerator<Result, void, undefined> {
  const { ordered = true, window, signal, ...postOptions } = options
  const source = new Source(items)
  const aborter = new AbortController()
  /** Those whose outcome is known, and which the consumer has not taken yet, by the place of the item. */
  const settled = new Map<number, Promise<Result>>()
  let taken = 0
  let given = 0
  /** True while an item of an asynchronous source is to come, or waits for room; for ever where that fails. */
  let isPulling = false
  let failure = undefined as { readonly error: unknown } | undefined
  let wake = ignore

  const onAbort = (): void => {
    aborter.abort(signal?.reason)
    wake()
  }

  const take = (result: IteratorResult<Item, unknown>): void => {
    if (result.done) return
    const place = taken++
    const task = taskFor(mapper, result.value)
    const running = postFrom(origin, () => runner.run(task, { ...postOptions, signal: aborter.signal })) as Promise<Result>
    const onSettled = (): void => {
      settled.set(place, running)
      wake()
    }
    running.then(onSettled, onSettled)
  }

  const pull = async (): Promise<void> => {
    isPulling = true
    try {
      const result = source.isAsync ? await source.nextLater() : source.next()
      // A bounded queue sets the pace as well (Q1).
      if (!result.done && runner.isBounded) await runner.ready()
      // What comes when the iteration has ended is nobody's any more.
      if (aborter.signal.aborted) return
      take(result)
      isPulling = false
    } catch (error) {
      failure = { error }
    }
    wake()
  }

  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort)
  try {
    while (!source.isOver || isPulling || given < taken) {
      aborter.signal.throwIfAborted()
      while (!source.isOver && !isPulling && taken - given < window) {
        if (source.isAsync || runner.isBounded) void pull()
        else take(source.next())
      }
      const [place = given] = ordered ? [] : settled.keys()
      const next = settled.get(place)
      if (next !== undefined) {
        settled.delete(place)
        given++
        yield await next
      } else if (failure !== undefined) {
        throw failure.error
      } else if (isPulling || given < taken) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    aborter.abort(new DOMException('the iteration over map() has ended', 'AbortError'))
    const closed = source.close()
    // A generator closes behind the item that it was asked for, and that may never come.
    if (source.isAsked) closed.catch(ignore)
    else await closed
  }
}
