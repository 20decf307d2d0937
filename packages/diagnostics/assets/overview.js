import { boxesOf } from './boxes.js'
import { canvasOf, colourOf, sheetOf } from './canvas.js'
import { between, lengthOf } from './range.js'

/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** @typedef {import('./filter.js').Matches} Matches */
/** @typedef {import('./lanes.js').Lane} Lane */
/** @typedef {import('./range.js').Range} Range */

const height = 32

/** The whole trace in a strip, and which part of it the chart shows. Dragging in it chooses another part. */
export class Overview {
  #canvas = canvasOf('overview')
  #data
  #lanes
  #whole
  /** @type {number | undefined} */
  #dragFrom

  /** @param {PageData} data @param {readonly Lane[]} lanes @param {Range} whole @param {(range: Range) => void} choose */
  constructor(data, lanes, whole, choose) {
    this.#data = data
    this.#lanes = lanes
    this.#whole = whole
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#canvas.setPointerCapture(event.pointerId)
      this.#dragFrom = this.#timeAt(event.offsetX)
    })
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#dragFrom !== undefined) choose(between(this.#dragFrom, this.#timeAt(event.offsetX), whole))
    })
    this.#canvas.addEventListener('pointerup', () => (this.#dragFrom = undefined))
  }

  /** @param {Range} range @param {Matches | undefined} matches */
  draw(range, matches) {
    const { pen, width, colour } = sheetOf(this.#canvas, height)
    const rowHeight = Math.min(6, height / Math.max(1, this.#lanes.length))
    for (const [row, lane] of this.#lanes.entries()) {
      for (const { x, width: wide, outcome, isFaint } of boxesOf(lane, this.#data.details, matches?.[row], this.#whole, width)) {
        pen.globalAlpha = isFaint ? 0.15 : 1
        pen.fillStyle = colour(colourOf(outcome))
        pen.fillRect(x, row * rowHeight, wide, Math.max(1, rowHeight - 1))
      }
    }
    const left = (range.from / lengthOf(this.#whole)) * width
    const right = (range.to / lengthOf(this.#whole)) * width
    pen.globalAlpha = 0.6
    pen.fillStyle = colour('page')
    pen.fillRect(0, 0, left, height)
    pen.fillRect(right, 0, width - right, height)
    pen.globalAlpha = 1
    pen.strokeStyle = colour('text')
    pen.strokeRect(left + 0.5, 0.5, Math.max(1, right - left - 1), height - 1)
  }

  /** @param {number} x */
  #timeAt(x) {
    return (x / this.#canvas.clientWidth) * lengthOf(this.#whole)
  }
}
