// Compiled by `typecheck` and never run: what must not compile. A line that does is an error of its own.
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  bindPostTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  ThreadPool,
  taskModule,
} from '@posttask/core'

const arithmetic = taskModule<typeof import('../fixtures/arithmetic.ts')>(new URL('../fixtures/arithmetic.ts', import.meta.url))
const objects = taskModule<typeof import('../fixtures/counter.js')>(new URL('../fixtures/counter.js', import.meta.url))

const here = new ThreadPool({ executor: inlineExecutor() })
const threads = new ThreadPool({ executor: piscinaExecutor() })
const sequence = new SequencedTaskRunner(here)
const parallel = new ParallelTaskRunner(threads, { maxConcurrency: 2 })
const closure = (): number => 1

// A closure does not go to a thread, whatever takes it there.
// @ts-expect-error postTask
parallel.postTask(() => 1)
// @ts-expect-error postDelayedTask
parallel.postDelayedTask(() => 1, 5)
// @ts-expect-error postRepeatingTask
parallel.postRepeatingTask(() => 1, 5)
// @ts-expect-error postTaskAndReply
parallel.postTaskAndReply(closure, () => {})
// @ts-expect-error run
void parallel.run(() => 1)
// @ts-expect-error run, on a runner of one thread
void new SingleThreadTaskRunner(threads).run(() => 1)
// @ts-expect-error run, on the other library's threads
void new SequencedTaskRunner(new ThreadPool({ executor: tinypoolExecutor() })).run(() => 1)
// @ts-expect-error run, behind a key
void new KeyedTaskRunner(threads).forKey('a').run(() => 1)
// @ts-expect-error bindPostTask makes closures
bindPostTask(parallel, () => {})
// @ts-expect-error a class of this thread cannot be made on another
SequenceBound.create(parallel, Map)
// @ts-expect-error map
parallel.map([1], (item) => item)

// Arguments are those of the function.
// @ts-expect-error one is missing
arithmetic.add(1)
// @ts-expect-error a string is no number
arithmetic.add(1, '2')
// @ts-expect-error what is exported is no function
arithmetic.version()
// @ts-expect-error nothing of that name is exported
arithmetic.subtract(2, 1)
// @ts-expect-error the constructor takes a number
SequenceBound.create(new SingleThreadTaskRunner(threads), objects.Counter, 'five')
class Account {
  deposit(amount: number): number {
    return amount
  }
}
const account = SequenceBound.create(sequence, Account)
// @ts-expect-error the method takes a number
account.postCall.deposit('5')
// @ts-expect-error there is no such method
account.postCallAndReply('withdraw', [5], () => {})
// @ts-expect-error the reply is given a number
account.postCallAndReply('deposit', [5], (text: string) => text)
// @ts-expect-error threads run no closures
parallel.spawn(() => 1)
// @ts-expect-error the items are no numbers
parallel.map(['a'], arithmetic.square)
// @ts-expect-error the callback takes a string
bindPostTask(sequence, (line: string) => line)(1)

// Options.
// @ts-expect-error there is no such priority
sequence.postTask(() => {}, { priority: 'urgent' })
// @ts-expect-error nor such a shutdown behaviour
sequence.postTask(() => {}, { shutdown: 'drop' })
// @ts-expect-error a parallel runner needs its bound
new ParallelTaskRunner(here)
// @ts-expect-error a time limit is in milliseconds
void sequence.run(() => {}, { timeout: '5s' })
// @ts-expect-error a repeating task has no single result to reply with
sequence.postRepeatingTask(() => {}, 5, { replyTo: sequence })
// @ts-expect-error the reply is given a number
sequence.postTaskAndReply(closure, (text: string) => text)
