import type { ScheduleStep } from './schedule.ts'

/** A schedule under which the program fails, as small as it could be made. */
export class RaceError extends Error {
  /** `explore(body, { replay: error.replay })` runs exactly this schedule. */
  readonly replay: string
  readonly decisions: readonly number[]
  readonly trace: readonly ScheduleStep[]
  /** What the program failed with. */
  readonly original: unknown
  /** The decisions as they were found, before minimising. */
  readonly found: readonly number[]

  constructor(
    how: string,
    original: unknown,
    found: readonly number[],
    decisions: readonly number[],
    trace: readonly ScheduleStep[],
  ) {
    const replay = formatDecisions(decisions)
    const reason = original instanceof Error ? original.message : String(original)
    super(`${reason}\n${how}\nreplay: explore(body, { replay: '${replay}' })\n${formatTrace(trace)}`, { cause: original })
    this.name = 'RaceError'
    this.replay = replay
    this.decisions = decisions
    this.trace = trace
    this.original = original
    this.found = found
  }
}

/** `0.0.1`; trailing zeros say nothing and are left out. */
const formatDecisions = (decisions: readonly number[]): string => trimmed(decisions).join('.') || '0'

/** Reads what {@link formatDecisions} wrote. */
export const parseDecisions = (text: string): readonly number[] =>
  text.split('.').map((part) => {
    const index = Number(part)
    if (!Number.isInteger(index) || index < 0)
      throw new TypeError(`replay must be integers with dots between, such as '0.0.1', not '${text}'`)
    return index
  })

/** Without trailing zeros. */
export const trimmed = (decisions: readonly number[]): readonly number[] =>
  decisions.slice(0, decisions.findLastIndex((index) => index !== 0) + 1)

/** One line for each step; `*` marks a pre-emption. */
const formatTrace = (trace: readonly ScheduleStep[]): string =>
  trace
    .map(
      ({ time, label, isPreemption }, index) =>
        `${String(index + 1).padStart(4)} t=${String(time).padEnd(4)}${isPreemption ? '* ' : '  '}${label}`,
    )
    .join('\n')
