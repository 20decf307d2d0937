import { postedFrom } from './origin.ts'
import { keyText } from './task-label.ts'
import type { TaskRecord } from './task-record.ts'
import type { TaskRunner } from './task-runner.ts'
import type { ThreadPool } from './thread-pool.ts'
import { edgesOf } from './wait-edge.ts'
import { firstCycle } from './wait-graph.ts'

const age = (since: number | undefined, now: number): string => (since === undefined ? '' : ` for ${Math.round(now - since)} ms`)

/** Name, number and key. */
const taskText = ({ name, id, extras }: TaskRecord): string =>
  `"${name}" (#${id}${extras?.key === undefined ? '' : `, key ${keyText(extras.key)}`})`

const waitLines = (record: TaskRecord): string[] =>
  edgesOf(record).map(({ isCertain, what }) => `      ${isCertain ? 'waits' : 'may wait'} for: ${what}`)

const runningLine = (record: TaskRecord, now: number): string => {
  const thread = record.thread === undefined ? '' : ` on thread ${record.thread}`
  const site = postedFrom(record)?.split('\n')[0]?.trim()
  const origin = site === undefined ? '' : `, posted ${site}`
  const end = record.isSettled ? ', cancelled, and has not stopped' : ''
  return `    runs: ${taskText(record)}${age(record.run?.startedAt, now)}${thread}${origin}${end}`
}

const waitingLine = ({ waiting }: TaskRunner, now: number): string | undefined => {
  const { oldest, size } = waiting
  if (oldest === undefined) return undefined
  const rest = size === 1 ? '' : ` and ${size - 1} more`
  return `    waits: ${taskText(oldest)}${age(oldest.queuedAt, now)}${rest}`
}

const runnerLines = (runner: TaskRunner, now: number): string[] => {
  const running = runner.holders
  const { delayed, repeating, closed } = runner.stats()
  const waiting = waitingLine(runner, now)
  const notes = [
    ...(runner.isPaused ? ['paused'] : []),
    ...(delayed > 0 ? [`${delayed} delayed`] : []),
    ...(repeating > 0 ? [`${repeating} repeating`] : []),
    ...(closed ? ['closed'] : []),
  ]
  if (running.length === 0 && waiting === undefined && notes.length === 0) return []
  return [
    `  ${runner.kind} runner "${runner.name}"${notes.length === 0 ? '' : `: ${notes.join(', ')}`}`,
    ...running.flatMap((record) => [runningLine(record, now), ...waitLines(record)]),
    ...(waiting === undefined ? [] : [waiting]),
  ]
}

/** A pool in words, for a person: what runs, and what waits behind it. */
export const describePool = (pool: ThreadPool<never>): string => {
  const now = pool.clock.now()
  const { name, executor, slots, active, queued, delayed, closed } = pool.stats()
  const sections = pool.runners.map((runner) => runnerLines(runner, now))
  const cycle = firstCycle(pool.runners.flatMap((runner) => runner.holders))
  const idle = sections.filter((lines) => lines.length === 0).length
  return [
    `pool "${name}" on ${executor}: ${active} of ${slots ?? 'Infinity'} slots taken, ${queued} queued, ${delayed} delayed${closed ? ', closed' : ''}`,
    ...(pool.pump.isFenced ? ['  a fence is held: nothing starts'] : []),
    ...sections.flat(),
    ...(idle === 0 ? [] : [`  ${idle} idle ${idle === 1 ? 'runner' : 'runners'}`]),
    ...(cycle === undefined ? [] : [`  a deadlock, if each awaits what it has asked for: ${cycle.join(' -> ')}`]),
    ...(pool.isTimed ? [] : ['  (for times, make the pool with timing: true)']),
  ].join('\n')
}
