/** A message may be as long as it likes, and four samples a second are sent. */
const maxLength = 300

/** What a task failed with, or why it was cancelled, in words. */
export const reasonOf = (error: unknown): string | undefined => {
  if (error === undefined) return undefined
  const text = textOf(error)
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
}

const textOf = (error: unknown): string => {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`
    // oxlint-disable-next-line typescript/no-base-to-string -- objects are left out before
    return typeof error === 'object' || typeof error === 'function' ? `a thrown ${typeof error}` : String(error)
  } catch {
    return 'an error that cannot be read'
  }
}
