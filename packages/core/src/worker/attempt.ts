/** What `get` gives, or `otherwise` where it throws: what comes from a task may be a proxy or have a getter that does. */
export const attempt = <T>(get: () => T, otherwise: T): T => {
  try {
    return get()
  } catch {
    return otherwise
  }
}
