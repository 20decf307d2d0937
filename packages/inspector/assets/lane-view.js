import { element } from './element.js'
import { shortSite } from './format.js'
import { endedText, runningText } from './task-text.js'
import { hideTip, showTip } from './tip.js'

/** @typedef {import('../src/snapshot.ts').RunnerSnapshot} Runner */
/** @typedef {{ name: string, from: number, to: number, colour: string, text: string }} Box */

/** What a lane shows, in ms: from then to now. */
const windowMs = 10_000
const height = 34
const maxRows = 4

const outcomes = { succeeded: '--task', failed: '--failed', cancelled: '--cancelled', 'timed-out': '--timed-out' }

/** The last seconds of a runner: its load behind, its tasks as boxes, the length of its queue as a line. */
export class LaneView {
  node = element('canvas')
  /** @type {Box[]} */
  #ended = []
  /** @type {Box[]} */
  #running = []
  /** @type {{ at: number, spanMs: number, load: number, pending: number }[]} */
  #columns = []
  /** @type {{ x: number, y: number, width: number, height: number, box: Box }[]} */
  #drawn = []

  constructor() {
    this.node.setAttribute('role', 'img')
    this.node.addEventListener('pointermove', (event) => this.#point(event))
    this.node.addEventListener('pointerdown', (event) => this.#point(event))
    this.node.addEventListener('pointerleave', hideTip)
  }

  /** @param {Runner} runner @param {number} at @param {number} spanMs */
  add(runner, at, spanMs) {
    for (const slice of runner.slices) {
      const { name, endedAt, runMs, outcome } = slice
      this.#ended.push({ name, from: endedAt - runMs, to: endedAt, colour: outcomes[outcome], text: endedText(slice) })
    }
    this.#running = runner.current.map((running) => {
      const { name, ageMs } = running
      return { name, from: at - ageMs, to: at, colour: '--running', text: runningText(running) }
    })
    this.#columns.push({ at, spanMs, load: runner.load, pending: runner.pending })
    this.#ended = this.#ended.filter(({ to }) => to > at - windowMs)
    this.#columns = this.#columns.filter((column) => column.at > at - windowMs)
    const site = runner.current[0]?.site
    const now = runner.current.map(({ name }) => name).join(', ')
    this.node.setAttribute(
      'aria-label',
      `${runner.name}: ${now === '' ? 'nothing runs' : `${now} ${runner.running === 1 ? 'runs' : 'run'}`}${site === undefined ? '' : `, posted from ${shortSite(site)}`}`,
    )
    this.#draw(at)
  }

  /** @param {number} now */
  #draw(now) {
    const width = this.node.clientWidth
    const scale = devicePixelRatio
    if (width === 0) return
    if (this.node.width !== Math.round(width * scale)) this.node.width = Math.round(width * scale)
    if (this.node.height !== height * scale) this.node.height = height * scale
    const pen = this.node.getContext('2d')
    if (pen === null) return
    const style = getComputedStyle(this.node)
    const colours = (/** @type {string} */ name) => style.getPropertyValue(name)
    pen.setTransform(scale, 0, 0, scale, 0, 0)
    pen.clearRect(0, 0, width, height)
    const x = (/** @type {number} */ at) => width - ((now - at) / windowMs) * width
    this.#drawLoad(pen, x, colours)
    this.#drawBoxes(pen, x, colours, style.fontFamily)
    this.#drawQueue(pen, x, colours)
  }

  /** @param {CanvasRenderingContext2D} pen @param {(at: number) => number} x @param {Palette} colours */
  #drawLoad(pen, x, colours) {
    const peak = Math.max(1, ...this.#columns.map(({ load }) => load))
    pen.fillStyle = colours('--load')
    for (const { at, spanMs, load } of this.#columns) {
      const top = height - (load / peak) * height
      pen.fillRect(x(at - spanMs), top, x(at) - x(at - spanMs) + 0.5, height - top)
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {(at: number) => number} x @param {Palette} colours @param {string} font */
  #drawBoxes(pen, x, colours, font) {
    const boxes = [...this.#ended, ...this.#running].toSorted((a, b) => a.from - b.from)
    const { rows, rowOf } = inRows(boxes)
    const rowHeight = (height - 4) / rows
    pen.font = `11px ${font}`
    pen.textBaseline = 'middle'
    this.#drawn = boxes.map((box) => {
      const left = Math.max(0, x(box.from))
      const y = 2 + (rowOf.get(box) ?? 0) * rowHeight
      return { x: left, y, width: Math.max(1, x(box.to) - left - 0.5), height: rowHeight - 1, box }
    })
    for (const { x: left, y, width, height: tall, box } of this.#drawn) {
      pen.fillStyle = colours(box.colour)
      pen.fillRect(left, y, width, tall)
      if (tall < 13 || width < pen.measureText(box.name).width + 8) continue
      pen.fillStyle = colours('--card')
      pen.fillText(box.name, left + 4, y + tall / 2 + 0.5)
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {(at: number) => number} x @param {Palette} colours */
  #drawQueue(pen, x, colours) {
    const peak = Math.max(...this.#columns.map(({ pending }) => pending))
    if (peak === 0) return
    pen.strokeStyle = colours('--queue')
    pen.lineWidth = 1.5
    pen.beginPath()
    for (const { at, pending } of this.#columns) pen.lineTo(x(at), height - 2 - (pending / peak) * (height - 4))
    pen.stroke()
  }

  /** @param {PointerEvent} event */
  #point({ offsetX, offsetY, clientX, clientY }) {
    const hit = this.#drawn.findLast(
      ({ x, y, width, height: tall }) => offsetX >= x - 2 && offsetX <= x + width + 2 && offsetY >= y && offsetY <= y + tall + 1,
    )
    if (hit === undefined) hideTip()
    else showTip(hit.box.text, clientX, clientY)
  }
}

/** @typedef {(name: string) => string} Palette */

/** Boxes that overlap go below each other. @param {Box[]} boxes in order of their start */
const inRows = (boxes) => {
  /** @type {number[]} */
  const ends = []
  /** @type {Map<Box, number>} */
  const rowOf = new Map()
  for (const box of boxes) {
    // Tasks that take turns end and start at the same time, up to the precision of clocks.
    let row = ends.findIndex((end) => end <= box.from + 0.5)
    if (row === -1) row = ends.length < maxRows ? ends.length : ends.indexOf(Math.min(...ends))
    ends[row] = box.to
    rowOf.set(box, row)
  }
  return { rows: Math.max(1, ends.length), rowOf }
}
