import type { TaskPriority } from './task.ts'

/** The levels of priority, lowest first; inside the engine a priority is its index here. */
const priorities: readonly TaskPriority[] = ['best-effort', 'user-visible', 'user-blocking']

export const bestEffort = 0
export const userVisible = 1
export const userBlocking = 2

export const priorityOf = (level: number): TaskPriority => priorities[level] as TaskPriority

/** The level of a priority that a caller gave. Anything else is a `TypeError`. */
export const levelOf = (priority: TaskPriority): number => {
  const level = priorities.indexOf(priority)
  if (level === -1) throw new TypeError(`priority must be one of ${priorities.join(', ')}, not ${String(priority)}`)
  return level
}

/** A time that a caller gave (D2). */
export const checkedTime = (ms: number, what: string): number => {
  if (typeof ms !== 'number' || !(ms >= 0) || ms === Number.POSITIVE_INFINITY) {
    throw new RangeError(`${what} must be a finite number of milliseconds, zero or more, not ${String(ms)}`)
  }
  return ms
}

/** A count that a caller gave, at least 1; `Infinity` is fine. */
export const checkedCount = (count: number, what: string): number => {
  if (count !== Number.POSITIVE_INFINITY && !(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`${what} must be a whole number, at least 1, or Infinity, not ${String(count)}`)
  }
  return count
}
