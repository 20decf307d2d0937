/** @typedef {import('./range.js').Range} Range */

/** A time in three digits or more. @param {number} micros */
export const time = (micros) => {
  if (micros < 10) return `${micros.toFixed(1)} µs`
  if (micros < 1000) return `${Math.round(micros)} µs`
  return micros < 1e6 ? `${(micros / 1000).toFixed(3)} ms` : `${(micros / 1e6).toFixed(3)} s`
}

/** The moments to label, about `count`, and how far they are apart: 1, 2 or 5 times a power of ten. @param {Range} range @param {number} count */
export const ticksOf = ({ from, to }, count) => {
  const least = (to - from) / count
  const power = 10 ** Math.floor(Math.log10(least))
  const step = ([1, 2, 5].find((times) => times * power >= least) ?? 10) * power
  const first = Math.ceil(from / step)
  const ticks = Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step)
  return { step, ticks }
}

/** As exact as the step asks for. @param {number} micros @param {number} step */
export const tickLabel = (micros, step) => {
  const [unit, name] = step >= 1e6 ? [1e6, 's'] : [1000, 'ms']
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9))
  return `${(micros / unit).toFixed(decimals)} ${name}`
}
