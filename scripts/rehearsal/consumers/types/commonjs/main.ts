// A TypeScript project that compiles to CommonJS: every import below becomes a require(), the worker module is CommonJS too.
import { pathToFileURL } from 'node:url'
import { inlineExecutor } from '@posttask/backend-inline'
import { piscinaExecutor } from '@posttask/backend-piscina'
import { tinypoolExecutor } from '@posttask/backend-tinypool'
import * as core from '@posttask/core'
import { ParallelTaskRunner, PostTaskError, SequencedTaskRunner, type TaskHandle, ThreadPool, taskModule } from '@posttask/core'
import { installShutdownHooks } from '@posttask/core/node'
import { taskContext } from '@posttask/core/worker'
import { EventBus } from '@posttask/event-bus'
import { createTestEnvironment, type TestEnvironment } from '@posttask/testing'
import { executorConformance } from '@posttask/testing/conformance'
import { withEnvironment } from '@posttask/testing/node-test'
import { entries } from './every-entry.js'

const tasks = taskModule<typeof import('./tasks.js')>(pathToFileURL(require.resolve('./tasks.js')))

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isSame = <A, B>(_proof: Same<A, B>): void => {}

// @ts-expect-error the stub has the parameters of the function
tasks.double('1')

const refused = (): void => {
  // @ts-expect-error a closure cannot go to a thread
  new SequencedTaskRunner(new ThreadPool({ executor: piscinaExecutor() })).postTask(() => 1)
  // @ts-expect-error there is no such option
  piscinaExecutor({ maxQueue: 1 })
  // @ts-expect-error nor here
  tinypoolExecutor({ isolateWorkers: true })
}

const onThreads = async (): Promise<void> => {
  for (const executor of [piscinaExecutor({ maxThreads: 1 }), tinypoolExecutor({ maxThreads: 1 })]) {
    const pool = new ThreadPool({ executor })
    const runner = new ParallelTaskRunner(pool, { maxConcurrency: 1 })
    const doubled = await runner.run(tasks.double(21))
    isSame<typeof doubled, number>(true)
    const name = await runner.run(tasks.name(), { name: 'a name' })
    if (doubled !== 42 || name !== 'a name') throw new Error('a thread gave something else')
    await pool.close()
  }
}

const onEventLoop = async (): Promise<void> => {
  const pool = new ThreadPool({ executor: inlineExecutor() })
  installShutdownHooks(pool).dispose()
  const runner = new SequencedTaskRunner(pool)
  const text = await runner.run(async () => 'text')
  isSame<typeof text, string>(true)
  const handle: TaskHandle = runner.postTask(() => {})
  await runner.waitIdle()
  const bus = new EventBus<{ saved: string }>(pool)
  const saved: string[] = []
  bus.subscribe('saved', (path) => saved.push(path))
  await bus.publish('saved', 'a.txt')
  if (handle.state !== 'succeeded' || saved[0] !== 'a.txt') throw new Error('the event loop gave something else')
  await pool.close()
}

const inTests = async (): Promise<void> => {
  const env: TestEnvironment = createTestEnvironment()
  new SequencedTaskRunner(env.pool).postDelayedTask(() => {}, 1000)
  await env.advanceBy(1000)
  env.verify()
  await env[Symbol.asyncDispose]()
  await withEnvironment(({ clock }) => isSame<ReturnType<typeof clock.now>, number>(true))()
}

/** What import() gives is what require() gives, for the compiler too. */
const dynamically = async (): Promise<void> => {
  const imported = await import('@posttask/core')
  const pool: ThreadPool = new imported.ThreadPool({ executor: inlineExecutor() })
  const isOurs: boolean = new imported.RunnerClosedError('closed') instanceof PostTaskError
  if (!isOurs || !(pool instanceof core.ThreadPool)) throw new Error('core is there twice')
  await pool.close()
}

const main = async (): Promise<void> => {
  await onThreads()
  await onEventLoop()
  await inTests()
  await dynamically()
  for (const entry of entries) if (Object.keys(entry).length === 0) throw new Error('an entry point is empty')
  console.log('consumer ok')
}

void [refused, taskContext, executorConformance]
void main()
