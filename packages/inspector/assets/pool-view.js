import { element, setText } from './element.js'
import { count, counted, shortSite } from './format.js'
import { figureNames, RunnerView } from './runner-view.js'
import { ageText } from './task-text.js'

/** @typedef {import('../src/snapshot.ts').PoolSnapshot} Pool */
/** @typedef {import('../src/snapshot.ts').RunningSnapshot} Running */

/** Shorter ones come and go too fast to be read. */
const longMs = 1000

/** One pool: what runs for long, and its busiest runners. */
export class PoolView {
  #name = element('h2')
  #longest = element('ul', 'longest')
  #runners = element('div')
  #rest = element('p', 'rest')
  /** @type {Map<number, RunnerView>} */
  #views = new Map()
  node = element('section', 'pool', this.#name, this.#longest, heads(), this.#runners, this.#rest)

  /** @param {Pool} pool @param {number} at @param {number} spanMs */
  update(pool, at, spanMs) {
    const { all, rest, runners } = pool
    this.#name.replaceChildren(`${pool.name} `, element('span', 'quiet', summaryOf(pool)))
    const long = pool.longest.filter(({ ageMs }) => ageMs >= longMs)
    this.#longest.hidden = long.length === 0
    this.#longest.replaceChildren(...long.map(longLine))
    const views = new Map(runners.map(({ id }) => [id, this.#views.get(id) ?? new RunnerView()]))
    for (const [id, view] of this.#views) if (!views.has(id)) view.node.remove()
    let place = this.#runners.firstElementChild
    for (const runner of runners) {
      const view = /** @type {RunnerView} */ (views.get(runner.id))
      if (view.node === place) place = place.nextElementSibling
      else this.#runners.insertBefore(view.node, place)
      view.update(runner, at, spanMs)
    }
    this.#views = views
    this.#rest.hidden = rest.runners === 0
    setText(
      this.#rest,
      `and ${counted(rest.runners, 'runner')} that ${rest.runners === 1 ? 'is' : 'are'} less busy, of ${count(all.runners)}: ${count(rest.pending)} queued, ${count(rest.running)} running, ${count(rest.finishedPerSecond)} per s, ${[`${count(rest.completed)} done`, `${count(rest.failed)} failed`, ...lossesOf(rest)].join(', ')}`,
    )
  }
}

const heads = () => {
  const names = element('div', 'figures', ...figureNames.map((name) => element('span', '', name)))
  const node = element('div', 'heads', element('span', '', 'runner'), element('span', '', 'the last ten seconds'), names)
  node.setAttribute('aria-hidden', 'true')
  return node
}

/** @param {Pool} pool */
const summaryOf = ({ executor, slots, isClosed, all }) =>
  [
    ` on ${executor}${slots === null ? '' : `, ${counted(slots, 'slot')}`}`,
    ...(isClosed ? ['closed'] : []),
    counted(all.runners, 'runner'),
    `${count(all.running)} running`,
    `${count(all.pending)} queued`,
    ...(all.delayed > 0 ? [`${count(all.delayed)} delayed`] : []),
    `${count(all.finishedPerSecond)} tasks per s`,
    ...(all.failed > 0 ? [`${count(all.failed)} failed`] : []),
    ...lossesOf(all),
  ].join(' · ')

/** @param {Pool['all']} sums */
const lossesOf = ({ cancelled, timedOut }) => [
  ...(cancelled > 0 ? [`${count(cancelled)} cancelled`] : []),
  ...(timedOut > 0 ? [`${count(timedOut)} timed out`] : []),
]

/** @param {Running} running */
const longLine = (running) => {
  const { name, runner, site } = running
  const line = element('li', '', element('b', '', name), ` on ${runner} for `, element('b', '', ageText(running)))
  if (site !== undefined) line.append(`, posted from ${shortSite(site)}`)
  line.title = site ?? ''
  return line
}
