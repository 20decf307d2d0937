// Compiled by `typecheck` and never run: what the types make of a program without a word from its author.
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  type BoundTask,
  bindPostTask,
  currentTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  type RepeatingTaskHandle,
  type RunHandle,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  sequenceLocal,
  type Task,
  type TaskContext,
  type TaskHandle,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { expectTypeOf } from 'vitest'

const arithmetic = taskModule<typeof import('../fixtures/arithmetic.ts')>(new URL('../fixtures/arithmetic.ts', import.meta.url))
const objects = taskModule<typeof import('../fixtures/counter.js')>(new URL('../fixtures/counter.js', import.meta.url))
type Counter = import('../fixtures/counter.js').Counter

const here = new ThreadPool({ executor: inlineExecutor() })
const threads = new ThreadPool({ executor: piscinaExecutor() })
const sequence = new SequencedTaskRunner(here)
const parallel = new ParallelTaskRunner(threads, { maxConcurrency: 2 })
const single = new SingleThreadTaskRunner(threads)

// A pool accepts what its executor accepts, and so do its runners.
expectTypeOf(here).toEqualTypeOf<ThreadPool<Task>>()
expectTypeOf(threads).toEqualTypeOf<ThreadPool<BoundTask>>()
expectTypeOf(new ThreadPool({ executor: tinypoolExecutor() })).toEqualTypeOf<ThreadPool<BoundTask>>()
expectTypeOf(parallel).toEqualTypeOf<ParallelTaskRunner<BoundTask>>()
expectTypeOf(new KeyedTaskRunner(threads)).toEqualTypeOf<KeyedTaskRunner<BoundTask>>()

// A stub has the parameters of its function, and binds its result without the promise.
expectTypeOf(arithmetic.add).parameters.toEqualTypeOf<[a: number, b: number]>()
expectTypeOf(arithmetic.add(1, 2)).toEqualTypeOf<BoundTask<number>>()
expectTypeOf(arithmetic.addLater(1, 2)).toEqualTypeOf<BoundTask<number>>()
expectTypeOf(arithmetic.default(2, 3)).toEqualTypeOf<BoundTask<number>>()
expectTypeOf(objects.Counter).parameters.toEqualTypeOf<[value: number]>()
expectTypeOf(objects.Counter(5)).toEqualTypeOf<BoundTask<Counter>>()

// `run` gives what the task gives, with whatever options.
expectTypeOf(sequence.run(() => 'text')).toEqualTypeOf<Promise<string>>()
expectTypeOf(sequence.run(async () => 'text')).toEqualTypeOf<Promise<string>>()
expectTypeOf(sequence.run(() => 'text', { timeout: 1000, queueTimeout: 50 })).toEqualTypeOf<Promise<string>>()
expectTypeOf(sequence.run(() => {}, { delay: 5 })).toEqualTypeOf<Promise<void>>()
expectTypeOf(sequence.run(arithmetic.add(1, 2))).toEqualTypeOf<Promise<number>>()
expectTypeOf(parallel.run(arithmetic.addLater(1, 2), { timeout: 1000 })).toEqualTypeOf<Promise<number>>()
expectTypeOf(sequence.run(arithmetic.fail('no'))).toEqualTypeOf<Promise<never>>()

// `spawn` gives the same in a handle, and a key has it too.
expectTypeOf(sequence.spawn(async () => 'text')).toEqualTypeOf<RunHandle<string>>()
expectTypeOf(parallel.spawn(arithmetic.addLater(1, 2), { delay: 5 }).result).toEqualTypeOf<Promise<number>>()
expectTypeOf(new KeyedTaskRunner(here).forKey(1).spawn(() => 1)).toEqualTypeOf<RunHandle<number>>()
expectTypeOf<RunHandle<number>>().toExtend<TaskHandle>()
expectTypeOf(currentTask).returns.toEqualTypeOf<TaskContext | undefined>()

// `map` gives what its mapper gives, or what the task of its stub gives.
expectTypeOf(sequence.map(['a'], (item) => item.length)).toEqualTypeOf<AsyncIterable<number>>()
expectTypeOf(sequence.map(['a'], async (item, { signal }) => [item, signal.aborted] as const)).toEqualTypeOf<
  AsyncIterable<readonly [string, boolean]>
>()
expectTypeOf(parallel.map([1, 2], arithmetic.square, { ordered: false })).toEqualTypeOf<AsyncIterable<number>>()
expectTypeOf(parallel.map(new Set([1]), (item) => arithmetic.addLater(item, 1))).toEqualTypeOf<AsyncIterable<number>>()

// Handles.
expectTypeOf(sequence.postTask(() => {})).toEqualTypeOf<TaskHandle>()
expectTypeOf(sequence.postDelayedTask(() => {}, 5)).toEqualTypeOf<TaskHandle>()
expectTypeOf(sequence.postRepeatingTask(() => {}, 5)).toEqualTypeOf<RepeatingTaskHandle>()

// A reply is given the result.
sequence.postTaskAndReply(
  async () => ({ rows: 3 }),
  (result, context) => {
    expectTypeOf(result).toEqualTypeOf<{ rows: number }>()
    expectTypeOf(context).toEqualTypeOf<TaskContext>()
  },
)
parallel.postTaskAndReply(arithmetic.add(1, 2), (sum) => expectTypeOf(sum).toEqualTypeOf<number>(), { replyTo: sequence })

// The sequence of a key accepts what the runner accepts.
expectTypeOf(new KeyedTaskRunner(here).forKey('a').run(async () => [1])).toEqualTypeOf<Promise<number[]>>()
expectTypeOf(new KeyedTaskRunner(threads).forKey(1).run(arithmetic.add(1, 2))).toEqualTypeOf<Promise<number>>()

// An object on a runner: each method becomes a call that gives a promise, and nothing else is there.
class Account {
  balance = 0
  deposit(amount: number): number {
    return (this.balance += amount)
  }
  async owner(): Promise<string> {
    return 'nobody'
  }
}
const account = SequenceBound.create(sequence, Account)
expectTypeOf(account).toEqualTypeOf<SequenceBound<Account>>()
expectTypeOf(account.call.deposit).toEqualTypeOf<(amount: number) => Promise<number>>()
expectTypeOf(account.call.owner).toEqualTypeOf<() => Promise<string>>()
expectTypeOf(account.postCall.deposit).toEqualTypeOf<(amount: number) => TaskHandle>()
expectTypeOf<keyof typeof account.postCall>().toEqualTypeOf<'deposit' | 'owner'>()
account.postCallAndReply('owner', [], (name) => expectTypeOf(name).toEqualTypeOf<string>(), { replyTo: sequence })
expectTypeOf<keyof typeof account.call>().toEqualTypeOf<'deposit' | 'owner'>()
const counter = SequenceBound.create(single, objects.Counter, 5)
expectTypeOf(counter).toEqualTypeOf<SequenceBound<Counter>>()
expectTypeOf(counter.call.add(2)).toEqualTypeOf<Promise<number>>()

// A callback keeps its parameters; what a sequence keeps has the type of its initial value.
expectTypeOf(bindPostTask(sequence, (line: string, at?: number) => [line, at])).toEqualTypeOf<
  (line: string, at?: number) => TaskHandle
>()
expectTypeOf(sequenceLocal(() => new Map<string, number>()).get()).toEqualTypeOf<Map<string, number>>()
