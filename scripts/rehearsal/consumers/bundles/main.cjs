// The same as main.js, bundled as CommonJS.
const assert = require('node:assert/strict')
const { pathToFileURL } = require('node:url')
const { piscinaExecutor } = require('@posttask/backend-piscina')
const { ParallelTaskRunner, SequenceBound, SingleThreadTaskRunner, ThreadPool, taskModule } = require('@posttask/core')

const tasks = taskModule(pathToFileURL(`${__dirname}/tasks.cjs`))

const main = async () => {
  const pool = new ThreadPool({ executor: piscinaExecutor({ maxThreads: 1 }) })
  assert.equal(await new ParallelTaskRunner(pool, { maxConcurrency: 1 }).run(tasks.greet('world')), 'HELLO WORLD')
  const counter = SequenceBound.create(new SingleThreadTaskRunner(pool), tasks.Counter, 5)
  assert.equal(await counter.call.add(2), 7)
  await pool.close()
  console.log('consumer ok')
}

void main()
