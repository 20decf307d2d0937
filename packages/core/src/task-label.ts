import type { TaskRecord } from './task-record.ts'

/** A key in words, short, whatever it is. */
export const keyText = (key: unknown): string => {
  if (typeof key === 'string') return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key)
  if (typeof key === 'object' && key !== null) return Array.isArray(key) ? 'array' : 'object'
  return typeof key === 'function' ? 'function' : String(key)
}

/** The sequence that a task is of: its runner, and there its key. */
const sequenceLabel = ({ runner, extras }: TaskRecord): string =>
  extras?.key === undefined ? runner.name : `${runner.name}[${keyText(extras.key)}]`

/** A task and its sequence, such as `db/query` or `accounts["x"]/book`. */
export const taskLabel = (record: TaskRecord): string => `${sequenceLabel(record)}/${record.name}`

/** As a `Map` compares. */
export const isSameKey = (a: unknown, b: unknown): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))
