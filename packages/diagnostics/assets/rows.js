/** @typedef {import('../src/page-data.ts').PageData['arrows']} PageArrows */
/** @typedef {import('./filter.js').Matches} Matches */
/** @typedef {import('./lanes.js').Lane} Lane */
/** A lane, or the name of a pool above its lanes. @typedef {{ text: string, lane: number | undefined }} Row */

/**
 * The rows from top to bottom: with a filter, the lanes of what it means and of the posts of that.
 * @param {readonly Lane[]} lanes @param {PageArrows} arrows @param {Matches | undefined} matches @returns {Row[]}
 */
export const rowsOf = (lanes, arrows, matches) => {
  const isShown = lanes.map((_, lane) => matches?.[lane]?.includes(1) ?? true)
  for (const [arrow, lane] of arrows.toLanes.entries()) {
    if (matches?.[lane]?.[arrows.toSlices[arrow] ?? 0] === 1) isShown[arrows.fromLanes[arrow] ?? 0] = true
  }
  /** @type {Row[]} */
  const rows = []
  let pool = ''
  for (const [lane, { name: text, pool: of }] of lanes.entries()) {
    if (!isShown[lane]) continue
    if (of !== pool) rows.push({ text: of, lane: undefined })
    pool = of
    rows.push({ text, lane })
  }
  return rows
}
