import { readFileSync } from 'node:fs'

/** In per cent, over all files of a run. */
export const leastScore = 85

/** Survivors that no test can kill: `{ file, original, replacement, reason }`. */
const equivalents = JSON.parse(readFileSync(new URL('equivalent.json', import.meta.url), 'utf8'))

const counts = (mutants, status) => mutants.filter((mutant) => mutant.status === status).length

export const scoreOf = (mutants) => {
  const [killed, timedOut, survived, uncovered, invalid] = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError'].map(
    (status) => counts(mutants, status),
  )
  const found = killed + timedOut
  const score = Math.round((1_000 * found) / (found + survived + uncovered)) / 10
  return { killed, timedOut, survived, uncovered, invalid, score }
}

const oneLine = (text) => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 97)}...` : line
}

const textAt = (source, { start, end }) => {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  return oneLine(lines.join('\n'))
}

/** What no test has found, with the reason where there is one. */
export const survivorsOf = (files) =>
  Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .map(({ location, replacement: text, status }) => {
        const original = textAt(source, location)
        const replacement = oneLine(text)
        const listed = equivalents.find(
          (mutant) => mutant.file === file && mutant.original === original && mutant.replacement === replacement,
        )
        const at = `${location.start.line}:${location.start.column}`
        return { file, at, original, replacement, status, reason: listed?.reason }
      }),
  )
