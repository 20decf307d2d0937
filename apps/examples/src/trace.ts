// A trace of what tasks do, for the Performance panel of Chrome's DevTools: lanes, and arrows from post to run and to reply.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inlineExecutor } from '@posttask/backend-inline'
import { ParallelTaskRunner, SequencedTaskRunner, ThreadPool } from '@posttask/core'
import { type Trace, TraceRecorder, validateTrace } from '@posttask/diagnostics'

const pool = new ThreadPool({ executor: inlineExecutor(), name: 'main', traceOrigin: true })
const recorder = new TraceRecorder([pool])
const ui = new SequencedTaskRunner(pool, { name: 'ui' })
const io = new ParallelTaskRunner(pool, { name: 'io', maxConcurrency: 2 })

function openAlbum(): void {
  for (const photo of ['a', 'b', 'c']) {
    io.postTaskAndReply(
      (context) => context.sleep(5),
      () => {},
      { name: `fetch ${photo}`, replyTo: ui, replyOptions: { name: `show ${photo}` } },
    )
  }
}
await ui.run(openAlbum)
await io.waitIdle()
await ui.waitIdle()
await pool.close()
recorder[Symbol.dispose]()

// Load trace.json in DevTools; the page needs no viewer.
const folder = await mkdtemp(join(tmpdir(), 'trace-'))
await recorder.writeTrace(join(folder, 'trace.json'))
await recorder.writeTrace(join(folder, 'trace.html'))

const trace = JSON.parse(await readFile(join(folder, 'trace.json'), 'utf8')) as Trace
const page = await readFile(join(folder, 'trace.html'), 'utf8')
const lanes = trace.traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args?.['name'])
const arrows = trace.traceEvents.filter(({ ph }) => ph === 's')
const [from] = trace.traceEvents.filter(({ name }) => name === 'fetch a').map(({ args }) => args?.['posted_from'])
console.log(`lanes: ${lanes.join(', ')}`)
console.log(`arrows: ${arrows.map(({ name }) => name).join(' ')}`)
console.log(`fetch a was posted by ${(from as { function: string }).function}`)
console.log(
  `problems: ${validateTrace(trace).length}; a page that loads nothing: ${!/\s(?:src|href)=/.test(page) && page.includes("default-src 'none'")}`,
)
await rm(folder, { recursive: true })
