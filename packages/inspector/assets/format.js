const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** A count: exact as long as it is short. @param {number} value */
export const count = (value) => (Math.abs(value) < 100_000 ? whole.format(Math.round(value)) : short.format(value))

/** A time in three digits or so. @param {number} ms */
export const time = (ms) => {
  if (ms < 0.0995) return `${Math.round(ms * 1000)} µs`
  if (ms < 9.95) return `${ms.toPrecision(2)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`
}

/** A share of 1. @param {number} share */
export const percent = (share) => `${Math.round(share * 100)} %`

/** The file and the line of a posting site. @param {string} site */
export const shortSite = (site) => /([^/\\\s()]+:\d+):\d+\)?$/.exec(site)?.[1] ?? site

/** `1 runner`, `2 runners`. @param {number} value @param {string} noun */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
