/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** @typedef {import('./chart.js').Hit} Hit */
/** @typedef {import('./lanes.js').Lane} Lane */

import { time } from './time.js'

/** What there is to know of a box. @param {PageData} data @param {readonly Lane[]} lanes @param {Hit} hit */
export const tipText = ({ names, details }, lanes, { lane, box: { slice, count } }) => {
  const of = /** @type {Lane} */ (lanes[lane])
  const id = of.ids[slice] ?? 0
  return [
    ...(count === 1 ? [] : [`${count} in one pixel; the longest:`]),
    `${names[of.names[slice] ?? 0]}${id === 0 ? '' : ` (#${id})`}: ${time(of.durations[slice] ?? 0)}`,
    `from ${time(of.starts[slice] ?? 0)} on, ${of.pool}: ${of.name}`,
    details[of.details[slice] ?? 0]?.text ?? '',
  ].join('\n')
}

/** Shows a text beside the pointer, or hides it. @param {string | undefined} text @param {number} x @param {number} y */
export const showTip = (text, x, y) => {
  const tip = /** @type {HTMLElement} */ (document.getElementById('tip'))
  tip.hidden = text === undefined
  if (text === undefined) return
  tip.textContent = text
  const { width, height } = tip.getBoundingClientRect()
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - width - 4))}px`
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18}px`
}
