const budgetMs = 1

/** Visits the items, and lets the event loop turn each time that a millisecond has passed. */
export const inSlices = async <T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> => {
  let end = performance.now() + budgetMs
  let visited = 0
  for (const item of items) {
    visit(item)
    // The clock costs as much as some visits.
    if (++visited % 16 !== 0 || performance.now() < end) continue
    await nextTurn()
    end = performance.now() + budgetMs
  }
}

/** Not unreferenced, which would wait until something else wakes the event loop. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
