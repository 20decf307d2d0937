import { command, mayWrite, save } from './commands.js'
import { byId, setText } from './element.js'
import { executorView } from './executor-view.js'
import { percent, time } from './format.js'
import { PoolView } from './pool-view.js'
import { report } from './problem.js'

/** @typedef {import('../src/snapshot.ts').Snapshot} Snapshot */

/** @type {PoolView[]} */
let pools = []
let isFrozen = false
let isRecording = false

/** @param {Snapshot} snapshot */
const show = ({ at, spanMs, loop, pools: read, executors, recording }) => {
  isRecording = recording !== null
  const elapsed = recording === null ? '' : ` (${recording.isFull ? 'full' : time(recording.elapsedMs)})`
  setText(byId('trace'), isRecording ? `Save trace${elapsed}` : 'Record trace')
  byId('trace').setAttribute('aria-pressed', String(isRecording))
  if (isFrozen) return
  setText(byId('loop'), `event loop ${percent(loop.utilization)} busy, delay p99 ${time(loop.delayP99Ms)}`)
  if (pools.length !== read.length) {
    pools = read.map(() => new PoolView())
    byId('pools').replaceChildren(...pools.map(({ node }) => node))
  }
  for (const [index, pool] of read.entries()) pools[index]?.update(pool, at, spanMs)
  byId('executors').replaceChildren(...executors.map(executorView))
}

/** @param {string} text @param {boolean} isLive */
const setStatus = (text, isLive) => {
  setText(byId('status'), text)
  byId('status').classList.toggle('live', isLive)
}

const events = new EventSource('/events')
events.addEventListener('open', () => {
  // It may be another process by now, with other runners.
  pools = []
  setStatus('live', true)
})
events.addEventListener('error', () => setStatus('disconnected, trying again', false))
events.addEventListener('message', ({ data }) => show(JSON.parse(data)))

byId('freeze').addEventListener('click', () => {
  isFrozen = !isFrozen
  byId('freeze').setAttribute('aria-pressed', String(isFrozen))
})
byId('trace').addEventListener('click', () => {
  if (isRecording)
    command('/trace/stop')
      .then(async (response) => save(await response.blob(), 'trace.json'))
      .catch(report)
  else command('/trace/start').catch(report)
})
document.body.classList.toggle('read-only', !mayWrite)
byId('read-only').hidden = mayWrite
