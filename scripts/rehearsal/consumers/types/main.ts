// A TypeScript project: the types of a user's code, inferred and refused, and then the program itself.
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import {
  type BoundTask,
  KeyedTaskRunner,
  ParallelTaskRunner,
  PostTaskError,
  SequenceBound,
  SequencedTaskRunner,
  SingleThreadTaskRunner,
  type TaskHandle,
  ThreadPool,
  taskModule,
} from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { taskContext } from '@posttask/core/worker'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { executorConformance } from '@posttask/testing/conformance'
import type { Counter } from './tasks.js'

const tasks = taskModule<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url))

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isSame = <A, B>(_proof: Same<A, B>): void => {}

const bound: BoundTask<{ text: string }> = tasks.describe(1)
// @ts-expect-error the stub has the parameters of the function
tasks.double('1')

const threads = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 1 }) })
const others = new ThreadPool({ executor: tinypoolExecutor({ maxThreads: 1 }) })
const inline = new ThreadPool({ executor: inlineExecutor() })
installShutdownHooks(threads, { timeoutMs: 1000 }).dispose()

const parallel = new ParallelTaskRunner(threads, { maxConcurrency: 1 })
const single = new SingleThreadTaskRunner(threads)
const sequence = new SequencedTaskRunner(inline)
const keyed = new KeyedTaskRunner(inline, { maxConcurrency: 2 })

const refused = (): void => {
  // @ts-expect-error a closure cannot go to a thread
  parallel.postTask(() => 1)
  // @ts-expect-error nor be waited for there
  void new SequencedTaskRunner(others).run(() => 1)
  // @ts-expect-error there is no such priority
  sequence.postTask(() => {}, { priority: 'urgent' })
  // @ts-expect-error a parallel runner needs its bound
  new ParallelTaskRunner(inline)
}

const main = async (): Promise<void> => {
  const doubled = await parallel.run(tasks.double(21))
  isSame<typeof doubled, number>(true)
  const described = await parallel.run(bound)
  isSame<typeof described, { text: string }>(true)
  const text = await sequence.run(async () => 'text')
  isSame<typeof text, string>(true)
  const keyedResult = await keyed.forKey('a').run(() => [1])
  isSame<typeof keyedResult, number[]>(true)
  for await (const each of parallel.map([1, 2], tasks.describe)) isSame<typeof each, { text: string }>(true)
  const counter = SequenceBound.create(single, tasks.Counter, 5)
  isSame<typeof counter, SequenceBound<Counter>>(true)
  const sum = await counter.call.add(2)
  isSame<typeof sum, number>(true)
  await counter[Symbol.asyncDispose]()
  const handle: TaskHandle = sequence.postTaskAndReply(
    () => 1,
    (result) => isSame<typeof result, number>(true),
    { replyTo: sequence },
  )
  await sequence.waitIdle()
  if (doubled !== 42 || described.text !== 'it is 1' || sum !== 7 || handle.state !== 'succeeded')
    throw new Error('the program gave something else than its types say')
  const env: TestEnvironment = createTestEnvironment({ seed: 1 })
  await env.advanceBy(10)
  await env[Symbol.asyncDispose]()
  for (const pool of [threads, others, inline]) await pool.close()
  const error: unknown = undefined
  if (error instanceof PostTaskError) isSame<Extract<typeof error.code, 'ERR_QUEUE_FULL'>, 'ERR_QUEUE_FULL'>(true)
  console.log('consumer ok')
}

void [refused, taskContext, executorConformance]
void main()
