import { time } from './format.js'

/** @typedef {import('../src/snapshot.ts').SliceSnapshot} Slice */
/** @typedef {import('../src/snapshot.ts').RunningSnapshot} Running */

const outcomes = { succeeded: 'done', failed: 'failed', cancelled: 'cancelled', 'timed-out': 'timed out' }

/** Lines on a task that has ended. @param {Slice} slice */
export const endedText = ({ name, outcome, hasStarted, reason, runMs, waitMs, thread, site }) =>
  [
    `${name}: ${outcomes[outcome]} ${hasStarted ? `after ${time(runMs)}` : 'before its start'}`,
    ...(reason === undefined ? [] : [reason]),
    `waited ${time(waitMs)}${thread === undefined ? '' : `, thread ${thread}`}`,
    ...(site === undefined ? [] : [`posted from ${site}`]),
  ].join('\n')

/** For how long a task has been running: `5 s`. @param {Running} running */
export const ageText = ({ ageMs, isAgeKnown }) => (isAgeKnown ? time(ageMs) : `more than ${time(ageMs)}`)

/** Empty, or what is odd about a task that runs. @param {Running} running */
export const noteText = ({ isCancelled }) => (isCancelled ? ', cancelled, and has not stopped' : '')

/** Lines on a task that runs. @param {Running} running */
export const runningText = (running) =>
  [
    `${running.name}: runs for ${ageText(running)}${noteText(running)}`,
    ...(running.site === undefined ? [] : [`posted from ${running.site}`]),
  ].join('\n')
