import { arrowEnd, arrowsAt, arrowsInSight, maxArrows } from './arrows.js'
import { boxAt, boxesOf } from './boxes.js'
import { canvasOf, colourOf, sheetOf } from './canvas.js'
import { lengthOf } from './range.js'
import { tickLabel, ticksOf } from './time.js'

/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** @typedef {import('./boxes.js').Box} Box */
/** @typedef {import('./canvas.js').Sheet} Sheet */
/** @typedef {import('./filter.js').Matches} Matches */
/** @typedef {import('./lanes.js').Lane} Lane */
/** @typedef {import('./range.js').Range} Range */
/** @typedef {import('./rows.js').Row} Row */
/** @typedef {{ lane: number, box: Box }} Hit */
/** @typedef {{ range: Range, rows: readonly Row[], matches: Matches | undefined, pointed: Hit | undefined }} View */

const rowHeight = 22
const axisHeight = 20
/** Of a character, about. */
const letterWidth = 6

/** @param {readonly Row[]} rows */
export const heightOf = (rows) => axisHeight + rows.length * rowHeight + 4

/** The lanes with their slices and arrows, as far as they are in sight. */
export class Chart {
  #canvas = canvasOf('chart')
  #data
  #lanes
  /** @type {{ top: number, lane: number, boxes: readonly Box[] }[]} */
  #drawn = []

  /** @param {PageData} data @param {readonly Lane[]} lanes */
  constructor(data, lanes) {
    this.#data = data
    this.#lanes = lanes
  }

  get labelWidth() {
    return Math.min(170, this.#canvas.clientWidth / 4)
  }

  /** The moment at this place. @param {number} x @param {Range} range */
  timeAt(x, range) {
    const { labelWidth } = this
    return range.from + ((x - labelWidth) / (this.#canvas.clientWidth - labelWidth)) * lengthOf(range)
  }

  /** The box at this place. @param {number} x @param {number} y @returns {Hit | undefined} */
  hit(x, y) {
    const row = this.#drawn.find(({ top }) => y >= top && y < top + rowHeight)
    const box = row === undefined || x < this.labelWidth ? undefined : boxAt(row.boxes, x - this.labelWidth)
    return row === undefined || box === undefined ? undefined : { lane: row.lane, box }
  }

  /**
   * Returns how many arrows there are in sight, which are drawn unless they are too many.
   * @param {View} view @param {number} height @param {number} scrolled
   */
  draw({ range, rows, matches, pointed }, height, scrolled) {
    const sheet = sheetOf(this.#canvas, height)
    const { labelWidth } = this
    const width = sheet.width - labelWidth
    const scale = width / lengthOf(range)
    const x = (/** @type {number} */ at) => labelWidth + (at - range.from) * scale
    const topOf = (/** @type {number} */ row) => axisHeight + row * rowHeight - scrolled
    const rowOf = new Map(rows.map(({ lane }, row) => [lane, row]))
    const isInSight = (/** @type {number} */ row) => topOf(row) > axisHeight - rowHeight && topOf(row) < height

    this.#drawTicks(sheet, range, x)
    this.#drawn = []
    for (const [row, { lane }] of rows.entries()) {
      const of = lane === undefined ? undefined : this.#lanes[lane]
      if (lane === undefined || of === undefined || !isInSight(row)) continue
      const boxes = boxesOf(of, this.#data.details, matches?.[lane], range, width)
      this.#drawn.push({ top: topOf(row), lane, boxes })
      this.#drawBoxes(sheet, of, boxes, labelWidth, topOf(row))
    }
    const inSight = arrowsInSight(this.#data.arrows, this.#lanes, matches, range, (lane) => {
      const row = rowOf.get(lane)
      return row !== undefined && isInSight(row)
    })
    const { fromLanes, toLanes } = this.#data.arrows
    const hasRows = (/** @type {number} */ arrow) => rowOf.has(fromLanes[arrow]) && rowOf.has(toLanes[arrow])
    const ofPointed = pointed === undefined ? [] : arrowsAt(this.#data.arrows, pointed.lane, pointed.box.slice).filter(hasRows)
    const middleOf = (/** @type {number | undefined} */ lane) => topOf(rowOf.get(lane) ?? 0) + rowHeight / 2
    sheet.pen.globalAlpha = 0.5
    for (const arrow of inSight.length > maxArrows ? [] : inSight) this.#drawArrow(sheet, arrow, x, middleOf)
    sheet.pen.globalAlpha = 1
    for (const arrow of ofPointed) this.#drawArrow(sheet, arrow, x, middleOf)
    this.#drawLabels(sheet, rows, topOf)
    return inSight.length
  }

  /** @param {Sheet} sheet @param {Range} range @param {(at: number) => number} x */
  #drawTicks({ pen, width, height, colour }, range, x) {
    const { step, ticks } = ticksOf(range, (width - this.labelWidth) / 110)
    pen.textAlign = 'left'
    for (const tick of ticks) {
      pen.fillStyle = colour('line')
      pen.fillRect(x(tick), 0, 1, height)
      pen.fillStyle = colour('quiet')
      pen.fillText(tickLabel(tick, step), x(tick) + 4, axisHeight / 2)
    }
  }

  /** @param {Sheet} sheet @param {Lane} lane @param {readonly Box[]} boxes @param {number} left @param {number} top */
  #drawBoxes({ pen, colour }, lane, boxes, left, top) {
    for (const { x, width, slice, outcome, isFaint } of boxes) {
      pen.globalAlpha = isFaint ? 0.15 : 1
      pen.fillStyle = colour(colourOf(outcome))
      // A line between neighbours that are wide enough for it.
      pen.fillRect(left + x, top + 2, width > 3 ? width - 1 : width, rowHeight - 4)
      const name = this.#data.names[lane.names[slice] ?? 0] ?? ''
      const letters = Math.floor((width - 8) / letterWidth)
      if (letters < 3) continue
      pen.fillStyle = colour('on-task')
      pen.fillText(name.length <= letters ? name : `${name.slice(0, letters - 1)}…`, left + x + 4, top + rowHeight / 2)
    }
    pen.globalAlpha = 1
  }

  /** @param {Sheet} sheet @param {number} arrow @param {(at: number) => number} x @param {(lane: number | undefined) => number} middleOf */
  #drawArrow({ pen, colour }, arrow, x, middleOf) {
    const { kinds, froms, fromLanes, toLanes } = this.#data.arrows
    const [fromX, fromY] = [x(froms[arrow] ?? 0), middleOf(fromLanes[arrow])]
    const [toX, toY] = [x(arrowEnd(this.#data.arrows, this.#lanes, arrow)), middleOf(toLanes[arrow])]
    const kind = this.#data.names[kinds[arrow] ?? 0] ?? ''
    pen.strokeStyle = pen.fillStyle = colour(kind)
    pen.fillRect(fromX - 1, fromY - 5, 2, 10)
    pen.beginPath()
    pen.moveTo(fromX, fromY)
    pen.lineTo(toX, toY)
    pen.stroke()
    // The head of the arrow, in the direction of its line.
    pen.save()
    pen.translate(toX, toY)
    pen.rotate(Math.atan2(toY - fromY, toX - fromX))
    pen.beginPath()
    pen.moveTo(0, 0)
    pen.lineTo(-7, -3)
    pen.lineTo(-7, 3)
    pen.fill()
    pen.restore()
  }

  /** Over everything else, which may reach to the left of the chart. @param {Sheet} sheet @param {readonly Row[]} rows @param {(row: number) => number} topOf */
  #drawLabels({ pen, width, height, colour }, rows, topOf) {
    const { labelWidth } = this
    pen.fillStyle = colour('page')
    pen.fillRect(0, 0, labelWidth, height)
    const { font } = pen
    for (const [row, { text, lane }] of rows.entries()) {
      const top = topOf(row)
      if (top < 0 || top > height) continue
      pen.font = lane === undefined ? `600 ${font}` : font
      pen.fillStyle = colour('text')
      const letters = Math.floor(labelWidth / letterWidth) - 1
      pen.fillText(
        text.length <= letters ? text : `${text.slice(0, letters - 1)}…`,
        lane === undefined ? 4 : 12,
        top + rowHeight / 2,
      )
      pen.fillStyle = colour('line')
      pen.fillRect(0, top + rowHeight - 1, width, 1)
    }
    pen.font = font
  }
}
