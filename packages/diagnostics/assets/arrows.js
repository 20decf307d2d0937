/** @typedef {import('../src/page-data.ts').PageData['arrows']} PageArrows */
/** @typedef {import('./filter.js').Matches} Matches */
/** @typedef {import('./lanes.js').Lane} Lane */
/** @typedef {import('./range.js').Range} Range */

/** More arrows than this at a time are not drawn: nobody could follow them. */
export const maxArrows = 300

/** @param {PageArrows} arrows @param {readonly Lane[]} lanes @param {number} arrow */
export const arrowEnd = ({ toLanes, toSlices }, lanes, arrow) => lanes[toLanes[arrow] ?? 0]?.starts[toSlices[arrow] ?? 0] ?? 0

/**
 * The arrows to slices that the filter means of which an end is in sight.
 * @param {PageArrows} arrows @param {readonly Lane[]} lanes @param {Matches | undefined} matches
 * @param {Range} range @param {(lane: number) => boolean} isInSight @returns {number[]}
 */
export const arrowsInSight = (arrows, lanes, matches, range, isInSight) => {
  const sees = (/** @type {number | undefined} */ lane, /** @type {number} */ at) =>
    lane !== undefined && at >= range.from && at <= range.to && isInSight(lane)
  /** @type {number[]} */
  const found = []
  for (let arrow = 0; arrow < arrows.kinds.length; arrow++) {
    const to = arrows.toLanes[arrow] ?? 0
    if (matches?.[to]?.[arrows.toSlices[arrow] ?? 0] === 0) continue
    if (sees(arrows.fromLanes[arrow], arrows.froms[arrow] ?? 0) || sees(to, arrowEnd(arrows, lanes, arrow))) found.push(arrow)
  }
  return found
}

/** The arrows that begin or end at a slice. @param {PageArrows} arrows @param {number} lane @param {number} slice @returns {number[]} */
export const arrowsAt = ({ kinds, fromLanes, fromSlices, toLanes, toSlices }, lane, slice) => {
  /** @type {number[]} */
  const found = []
  for (let arrow = 0; arrow < kinds.length; arrow++) {
    const begins = fromLanes[arrow] === lane && fromSlices[arrow] === slice
    if (begins || (toLanes[arrow] === lane && toSlices[arrow] === slice)) found.push(arrow)
  }
  return found
}
