import { command, mayWrite } from './commands.js'
import { element, setText } from './element.js'
import { count, shortSite, time } from './format.js'
import { LaneView } from './lane-view.js'
import { report } from './problem.js'
import { ageText, noteText } from './task-text.js'

/** @typedef {import('../src/snapshot.ts').RunnerSnapshot} Runner */
/** @typedef {{ p50: number, p99: number } | undefined} Durations */

/** What is told of a runner beside its lane. @type {readonly [string, (runner: Runner) => string, ((runner: Runner) => string)?][]} */
const figures = [
  ['queue', ({ pending }) => count(pending), ({ pending }) => (pending > 0 ? 'some' : '')],
  ['running', ({ running }) => count(running)],
  ['per s', ({ finishedPerSecond }) => count(finishedPerSecond)],
  ['done', ({ completed }) => count(completed)],
  ['failed', ({ failed }) => count(failed), ({ failed }) => (failed > 0 ? 'bad' : '')],
  ['cancelled', ({ cancelled }) => count(cancelled)],
  ['timed out', ({ timedOut }) => count(timedOut), ({ timedOut }) => (timedOut > 0 ? 'bad' : '')],
  ['wait p50 / p99', ({ waitMs }) => durations(waitMs)],
  ['run p50 / p99', ({ runMs }) => durations(runMs)],
]

export const figureNames = figures.map(([name]) => name)

/** @param {Durations} of */
const durations = (of) => (of === undefined ? '' : `${time(of.p50)} / ${time(of.p99)}`)

/** One runner: its name, its lane, its figures, and the button that pauses it. */
export class RunnerView {
  #name = element('h3')
  #notes = element('p')
  #lane = new LaneView()
  #now = element('p', 'now')
  #values = figures.map(() => element('dd'))
  #button = element('button', 'write')
  node = element(
    'article',
    'runner',
    element('div', 'who', this.#name, this.#notes),
    element('div', 'where', this.#lane.node, this.#now),
    element('dl', 'figures', ...figures.map(([name], index) => element('div', '', element('dt', '', name), this.#value(index)))),
    element('div', 'act', this.#button),
  )
  /** @type {Runner | undefined} */
  #runner

  constructor() {
    this.#button.type = 'button'
    this.#button.addEventListener('click', () => {
      if (this.#runner === undefined) return
      command(`/runners/${this.#runner.id}/${this.#runner.isPaused ? 'resume' : 'pause'}`).catch(report)
    })
  }

  /** @param {Runner} runner @param {number} at @param {number} spanMs */
  update(runner, at, spanMs) {
    this.#runner = runner
    setText(this.#name, runner.name)
    this.#name.title = runner.name
    setText(this.#notes, notesOf(runner))
    this.#notes.classList.toggle('is-paused', runner.isPaused)
    this.#lane.add(runner, at, spanMs)
    this.#updateNow(runner)
    for (const [index, [, text, className]] of figures.entries()) {
      const value = this.#value(index)
      setText(value, text(runner))
      value.className = className?.(runner) ?? ''
    }
    if (!mayWrite) return
    const verb = runner.isPaused ? 'Resume' : 'Pause'
    setText(this.#button, verb)
    this.#button.setAttribute('aria-label', `${verb} ${runner.name}`)
  }

  /** @param {Runner} runner */
  #updateNow({ current, running }) {
    const [oldest] = current
    if (oldest === undefined) {
      // With thousands of running tasks, those of a runner may not be among the oldest that a sample looks at.
      setText(this.#now, running === 0 ? '' : `${count(running)} running: see the report`)
      this.#now.title = ''
      return
    }
    const more = running > 1 ? `, and ${count(running - 1)} more` : ''
    const site = oldest.site === undefined ? '' : `, posted from ${shortSite(oldest.site)}`
    this.#now.replaceChildren(element('b', '', oldest.name), ` for ${ageText(oldest)}${noteText(oldest)}${site}${more}`)
    this.#now.title = oldest.site ?? ''
  }

  /** @param {number} index */
  #value(index) {
    return /** @type {HTMLElement} */ (this.#values[index])
  }
}

/** @param {Runner} runner */
const notesOf = ({ kind, priority, maxConcurrency, isPaused, isClosed, barrierPending, delayed, repeating, rejected }) =>
  [
    kind === 'parallel' && maxConcurrency !== null ? `parallel, ${maxConcurrency}` : kind,
    ...(priority === 'user-visible' ? [] : [priority]),
    ...(isPaused ? ['paused'] : []),
    ...(isClosed ? ['closed'] : []),
    ...(barrierPending ? ['flush'] : []),
    ...(delayed > 0 ? [`${count(delayed)} delayed`] : []),
    ...(repeating > 0 ? [`${count(repeating)} repeating`] : []),
    ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
  ].join(' · ')
