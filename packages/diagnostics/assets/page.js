import { maxArrows } from './arrows.js'
import { Chart, heightOf } from './chart.js'
import { countOf, matchesOf } from './filter.js'
import { readLanes } from './lanes.js'
import { Overview } from './overview.js'
import { lengthOf, moved, wholeOf, zoomed } from './range.js'
import { rowsOf } from './rows.js'
import { showTip, tipText } from './tip.js'

/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** @typedef {import('./chart.js').View} View */
/** @typedef {import('./range.js').Range} Range */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** @type {PageData} */
const data = JSON.parse(byId('data').textContent ?? '')
const lanes = readLanes(data)
const whole = wholeOf(data.span)
const chart = new Chart(data, lanes)
const filter = /** @type {HTMLInputElement} */ (byId('filter'))
const scroller = byId('lanes')
const canvas = byId('chart')

/** @type {View} */
let view = { range: whole, rows: rowsOf(lanes, data.arrows, undefined), matches: undefined, pointed: undefined }
let isDrawn = true

/** Changes what is shown, with the next frame. @param {Partial<View>} change */
const show = (change) => {
  view = { ...view, ...change }
  if (!isDrawn) return
  isDrawn = false
  requestAnimationFrame(() => {
    isDrawn = true
    draw()
  })
}

const overview = new Overview(data, lanes, whole, (range) => show({ range }))

const draw = () => {
  byId('space').style.height = `${heightOf(view.rows)}px`
  const arrows = chart.draw(view, scroller.clientHeight, scroller.scrollTop)
  overview.draw(view.range, view.matches)
  byId('note').textContent = [
    ...(view.matches === undefined ? [] : [`${countOf(view.matches)} of ${data.slices} slices`]),
    ...(arrows > maxArrows
      ? [`${arrows} arrows are too many to draw (up to ${maxArrows}): zoom in, filter, or point at a task`]
      : []),
  ].join(' · ')
}

/** @param {number} factor @param {number} [at] */
const zoom = (factor, at = (view.range.from + view.range.to) / 2) => show({ range: zoomed(view.range, at, factor, whole) })

/** @param {number} pixels */
const pan = (pixels) =>
  show({ range: moved(view.range, (pixels / (canvas.clientWidth - chart.labelWidth)) * lengthOf(view.range), whole) })

/** @param {PointerEvent} event */
const point = ({ offsetX, offsetY, clientX, clientY }) => {
  const pointed = chart.hit(offsetX, offsetY)
  showTip(pointed && tipText(data, lanes, pointed), clientX, clientY)
  if (pointed?.lane !== view.pointed?.lane || pointed?.box.slice !== view.pointed?.box.slice) show({ pointed })
}

filter.addEventListener('input', () => {
  const matches = matchesOf(data, filter.value)
  show({ matches, rows: rowsOf(lanes, data.arrows, matches), pointed: undefined })
})
byId('in').addEventListener('click', () => zoom(2))
byId('out').addEventListener('click', () => zoom(0.5))
byId('all').addEventListener('click', () => show({ range: whole }))

canvas.addEventListener('pointermove', (event) => {
  if (event.buttons !== 1) return point(event)
  canvas.setPointerCapture(event.pointerId)
  showTip(undefined, 0, 0)
  pan(-event.movementX)
})
canvas.addEventListener('pointerdown', point)
canvas.addEventListener('pointerleave', ({ pointerType }) => {
  // A finger leaves with its tap.
  if (pointerType === 'touch') return
  showTip(undefined, 0, 0)
  show({ pointed: undefined })
})
canvas.addEventListener('dblclick', ({ offsetX }) => zoom(4, chart.timeAt(offsetX, view.range)))
canvas.addEventListener(
  'wheel',
  (event) => {
    const sideways = event.shiftKey ? event.deltaX + event.deltaY : event.deltaX
    if (event.ctrlKey || event.metaKey) zoom(1.002 ** -event.deltaY, chart.timeAt(event.offsetX, view.range))
    else if (sideways !== 0) pan(sideways)
    else return
    event.preventDefault()
  },
  { passive: false },
)
/** @type {Readonly<Record<string, () => void>>} */
const keys = {
  ArrowLeft: () => pan(-100),
  ArrowRight: () => pan(100),
  '+': () => zoom(2),
  '-': () => zoom(0.5),
  0: () => show({ range: whole }),
}
scroller.addEventListener('keydown', ({ key }) => keys[key]?.())
scroller.addEventListener('scroll', () => show({}))
new ResizeObserver(() => show({})).observe(scroller)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show({}))
draw()
