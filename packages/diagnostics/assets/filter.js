/** @typedef {import('../src/page-data.ts').PageData} PageData */
/** Which slices of each lane are meant, 1 or 0. @typedef {readonly Uint8Array[]} Matches */

/**
 * `#12` is the task with this id, `>5ms` (or `us`, `s`) what took longer; every other word has to be in the name of the
 * slice, of its lane or of its pool, or in what else is known of it.
 * @param {string} text
 */
export const parseFilter = (text) => {
  /** @type {string[]} */
  const words = []
  let longerThan = -1
  let id = 0
  for (const word of text.toLowerCase().split(/\s+/)) {
    const [, amount, unit = 'ms'] = /^>(\d+(?:\.\d+)?)(us|µs|ms|s)?$/.exec(word) ?? []
    const [, number] = /^#(\d+)$/.exec(word) ?? []
    if (amount !== undefined) longerThan = Number(amount) * (unit === 's' ? 1e6 : unit === 'ms' ? 1000 : 1)
    else if (number !== undefined) id = Number(number)
    else if (word !== '') words.push(word)
  }
  return { words, longerThan, id }
}

/** "priority" is in every detail, and nobody means it by "io". */
const detailKeys = /^[^:\n]*: /gm

/**
 * The slices that a filter means; undefined for a filter that lets everything through.
 * @param {PageData} data @param {string} text @returns {Matches | undefined}
 */
export const matchesOf = ({ lanes, names, details }, text) => {
  const { words, longerThan, id } = parseFilter(text)
  if (words.length === 0 && longerThan < 0 && id === 0) return undefined
  const has = (/** @type {string} */ part) => words.map((word) => part.toLowerCase().includes(word))
  const inNames = names.map(has)
  const inDetails = details.map((detail) => has(detail.text.replace(detailKeys, '')))
  return lanes.map((lane) => {
    const inLane = has(`${lane.pool}\n${lane.name}`)
    return Uint8Array.from(lane.starts, (_, slice) => {
      const isMeant =
        (id === 0 || lane.ids[slice] === id) &&
        (lane.durations[slice] ?? 0) > longerThan &&
        words.every(
          (_, word) => inLane[word] || inNames[lane.names[slice] ?? 0]?.[word] || inDetails[lane.details[slice] ?? 0]?.[word],
        )
      return isMeant ? 1 : 0
    })
  })
}

/** @param {Matches} matches */
export const countOf = (matches) => matches.reduce((sum, lane) => sum + lane.reduce((ones, one) => ones + one, 0), 0)
