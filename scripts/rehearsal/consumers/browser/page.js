// A page: tasks on its event loop, a task module that the page loads, and virtual time.
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool, taskModule } from '@posttask/core'
import { createTestEnvironment } from '@posttask/testing'

const check = (what, isTrue) => {
  if (!isTrue) throw new Error(`not so in the page: ${what}`)
}

const main = async () => {
  const pool = new ThreadPool({ executor: inlineExecutor() })
  const sequence = new SequencedTaskRunner(pool)
  const order = []
  sequence.postTask(async (context) => {
    await context.sleep(5)
    order.push(1)
  })
  sequence.postTask(() => order.push(2))
  await sequence.waitIdle()
  check('a sequence keeps its order', order.join() === '1,2')

  const tasks = taskModule(new URL('./tasks.js', import.meta.url))
  const parallel = new ParallelTaskRunner(pool, { maxConcurrency: 2 })
  check('a bound task runs', (await parallel.run(tasks.double(21))) === 42)
  let ran = 0
  for (let count = 0; count < 10_000; count++) sequence.postTask(() => ran++)
  await sequence.waitIdle()
  check('many tasks run', ran === 10_000)
  check('the pool closes', (await pool.close()).dropped === 0)

  const env = createTestEnvironment()
  const runner = new SequencedTaskRunner(env.pool)
  const seen = []
  runner.postRepeatingTask(() => seen.push(env.clock.now()), 60_000)
  await env.advanceBy(180_000)
  check('virtual time moves in a page', seen.join() === '60000,120000,180000')
  runner.shutdown()
  await env[Symbol.asyncDispose]()
}

main().then(
  () => (document.title = 'consumer ok'),
  (error) => (document.title = `failed: ${error.stack}`),
)
