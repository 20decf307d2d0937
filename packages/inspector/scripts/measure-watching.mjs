// What a page that is open costs a busy program: `perSecond` tasks a second on `runners` sequences, with and without a watcher,
// in turns. Prints the 99th percentile of the delay of the event loop, and its utilisation.
// `node --conditions=@posttask/source --import ./scripts/register-typescript.mjs packages/inspector/scripts/measure-watching.mjs`
import { get } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { inlineExecutor } from '@posttask/backend-inline'
import { SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { startInspector } from '@posttask/inspector'

const perSecond = 50_000
const [runners = 10_000, rounds = 3, seconds = 8] = process.argv.slice(2).map(Number)
const resolution = 1

const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', onTaskRejected: () => {} })
const sequences = Array.from({ length: runners }, (_, index) => new SequencedTaskRunner(pool, { name: `user ${index + 1}` }))
const inspector = await startInspector(pool)

let done = 0
const work = () => {
  done++
}
let posted = 0
let due = 0
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  due += ((now - last) / 1000) * perSecond
  last = now
  for (; posted < due; posted++) sequences[posted % runners].postTask(work)
}, 1)

/** A page: reads what it is sent, in this process, so that its part counts against us. */
const watch = () =>
  new Promise((resolve, reject) => {
    const state = { samples: 0, bytes: 0, close: () => request.destroy() }
    const request = get(new URL('/events', inspector.url), (response) => {
      response.on('error', () => {})
      response.on('data', (chunk) => {
        state.bytes += chunk.length
        if (chunk.includes('data: ')) state.samples++
      })
      resolve(state)
    })
    request.on('error', reject)
  })

const measure = async (name) => {
  await sleep(1000)
  const delays = monitorEventLoopDelay({ resolution })
  const before = performance.eventLoopUtilization()
  const doneBefore = done
  delays.enable()
  await sleep(seconds * 1000)
  delays.disable()
  const { utilization } = performance.eventLoopUtilization(before)
  const delay = delays.percentile(99) / 1e6 - resolution
  console.log(
    `${name}: p99 ${delay.toFixed(2)} ms, max ${(delays.max / 1e6).toFixed(1)} ms, ${Math.round(utilization * 100)} % busy, ${Math.round((done - doneBefore) / seconds)} tasks/s`,
  )
  return delay
}

const differences = []
for (let round = 0; round < rounds; round++) {
  const without = await measure('nobody watches')
  const watcher = await watch()
  const watched = await measure('one watches   ')
  watcher.close()
  differences.push(watched - without)
  console.log(
    `  ${(watcher.samples / (seconds + 1)).toFixed(1)} samples/s of ${Math.round(watcher.bytes / Math.max(1, watcher.samples) / 1000)} kB`,
  )
}
clearInterval(timer)
await pool.terminate()
await inspector[Symbol.asyncDispose]()
console.log(`${runners} runners: ${differences.map((ms) => ms.toFixed(2)).join(', ')} ms more at p99`)
