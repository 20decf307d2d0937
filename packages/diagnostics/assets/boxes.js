import { firstFrom } from './lanes.js'

/** @typedef {import('../src/page-data.ts').PageData['details'][number]} PageDetail */
/** @typedef {import('./lanes.js').Lane} Lane */
/** @typedef {import('./range.js').Range} Range */

/**
 * What is drawn of a lane: a slice, or several that share a pixel, of which `slice` took longest.
 * @typedef {{ x: number, width: number, slice: number, count: number, outcome: string, isFaint: boolean }} Box
 */

/** What is worse hides what is better. */
const outcomeRanks = ['', 'succeeded', 'unfinished', 'cancelled', 'failed']

/** @param {string} a @param {string} b */
const worse = (a, b) => (outcomeRanks.indexOf(a) >= outcomeRanks.indexOf(b) ? a : b)

/**
 * The boxes of a lane, never many more than there are pixels. Those that the filter does not mean are faint, and hide none
 * that it does.
 * @param {Lane} lane @param {readonly PageDetail[]} details @param {Uint8Array | undefined} matches
 * @param {Range} range @param {number} width @returns {Box[]}
 */
export const boxesOf = (lane, details, matches, range, width) => {
  const scale = width / (range.to - range.from)
  const durationOf = (/** @type {number} */ slice) => lane.durations[slice] ?? 0
  /** @type {Box[]} */
  const boxes = []
  for (let slice = firstFrom(lane, range.from); slice < lane.starts.length; slice++) {
    const start = lane.starts[slice] ?? 0
    if (start > range.to) break
    const x = Math.max(0, (start - range.from) * scale)
    const end = Math.min(width, (start + durationOf(slice) - range.from) * scale)
    if (end < 0) continue
    const outcome = details[lane.details[slice] ?? 0]?.outcome ?? ''
    const isFaint = matches?.[slice] === 0
    const last = boxes.at(-1)
    if (last === undefined || end - x >= 1 || end > last.x + last.width) {
      boxes.push({ x, width: Math.max(1, end - x), slice, count: 1, outcome, isFaint })
    } else if (last.isFaint && !isFaint) {
      Object.assign(last, { slice, count: 1, outcome, isFaint })
    } else if (last.isFaint === isFaint) {
      last.count++
      last.outcome = worse(last.outcome, outcome)
      if (durationOf(slice) > durationOf(last.slice)) last.slice = slice
    }
  }
  return boxes
}

/** So many pixels beside a narrow box still mean it. */
const reach = 4

/** The box at a place, or the nearest one within reach; of those that overlap the last, which is on top. @param {readonly Box[]} boxes @param {number} at @returns {Box | undefined} */
export const boxAt = (boxes, at) => {
  const distanceTo = (/** @type {Box} */ { x, width }) => Math.max(x - at, at - x - width, 0)
  const least = boxes.reduce((distance, box) => Math.min(distance, distanceTo(box)), reach)
  return boxes.findLast((box) => distanceTo(box) === least || distanceTo(box) === 0)
}
