/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** @typedef {import('../src/page-data.ts').PageData['lanes'][number] & { readonly ends: readonly number[] }} Lane */

/** The lanes with the latest end up to each slice, by which slices are found. @param {PageData} data @returns {Lane[]} */
export const readLanes = ({ lanes }) =>
  lanes.map((lane) => {
    let latest = 0
    return { ...lane, ends: lane.starts.map((start, index) => (latest = Math.max(latest, start + (lane.durations[index] ?? 0)))) }
  })

/** The first slice that may have gone on at this moment. @param {Lane} lane @param {number} at */
export const firstFrom = ({ ends }, at) => {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return low
}
