import { element } from './element.js'
import { count, percent } from './format.js'

/** @typedef {import('../src/snapshot.ts').ExecutorSnapshot} Executor */
/** @typedef {Executor['threads'][number]} Thread */

/** The threads of an executor. @param {Executor} executor */
export const executorView = ({ name, threads }) =>
  element(
    'section',
    'executor',
    element('h2', '', `Threads of ${name}`),
    element('ul', '', ...threads.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0)).map(threadLine)),
  )

/** @param {Thread} thread */
const threadLine = ({ id, isBusy, utilization, completed, respawns }) => {
  const meter = element('meter')
  meter.value = utilization
  meter.title = 'Share of its life in which its event loop was busy'
  const notes = [
    isBusy ? 'busy' : 'idle',
    `${count(completed)} tasks`,
    ...(respawns > 0 ? [`started ${respawns + 1} times`] : []),
  ]
  return element(
    'li',
    '',
    element('span', '', id === undefined ? 'not started' : `thread ${id}`),
    meter,
    element('span', '', percent(utilization)),
    element('span', 'quiet', notes.join(', ')),
  )
}
