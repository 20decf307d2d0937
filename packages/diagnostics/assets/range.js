/** A span of time that is shown, in microseconds. @typedef {{ from: number, to: number }} Range */

/** The shortest range that can be shown, in microseconds. */
const shortest = 1

/** @param {Range} range */
export const lengthOf = ({ from, to }) => to - from

/** The range of the whole trace. @param {number} span */
export const wholeOf = (span) => ({ from: 0, to: Math.max(span, shortest) })

/** Never longer than the whole, nor too short to be drawn. @param {number} length @param {Range} whole */
const boundedLength = (length, whole) => Math.min(Math.max(length, shortest), lengthOf(whole))

/** A range of this length, moved into the whole. @param {number} from @param {number} length @param {Range} whole */
const within = (from, length, whole) => {
  const start = Math.min(Math.max(from, whole.from), whole.to - length)
  return { from: start, to: start + length }
}

/** Shows so many times more of what is around `at`, which stays at its place. @param {Range} range @param {number} at @param {number} factor @param {Range} whole */
export const zoomed = (range, at, factor, whole) => {
  const length = boundedLength(lengthOf(range) / factor, whole)
  const share = (at - range.from) / lengthOf(range)
  return within(at - share * length, length, whole)
}

/** Later by so many microseconds, or earlier. @param {Range} range @param {number} by @param {Range} whole */
export const moved = (range, by, whole) => within(range.from + by, lengthOf(range), whole)

/** From one moment to the other, in either order. @param {number} a @param {number} b @param {Range} whole */
export const between = (a, b, whole) => within(Math.min(a, b), boundedLength(Math.abs(a - b), whole), whole)
