import { TestEnvironmentError } from './errors.ts'

/** The text of a failure, with its numbers masked: times and counts differ from schedule to schedule. */
const maskNumbers = (text: string): string => text.replace(/\d+(?:\.\d+)?/g, '#')

/** A failure in one line, for a report and for comparing. */
export const maskedText = (error: unknown): string =>
  maskNumbers(error instanceof Error ? `${error.name}: ${error.message}` : String(error))

const identityOf = (error: unknown): string => {
  if (!(error instanceof TestEnvironmentError)) return maskedText(error)
  // Its text is a report: it has the places of the posts in a run that is recorded, and not in one that is not.
  return [error.code, ...error.tasks.map(maskNumbers).toSorted()].join('\n')
}

/** True if two schedules failed in the same way: the same code and tasks, or the same class and message. */
export const failsAlike = (a: unknown, b: unknown): boolean => identityOf(a) === identityOf(b)
