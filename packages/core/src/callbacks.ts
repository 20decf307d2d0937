/**
 * The user's callbacks (hooks, observers, listeners of `context.signal`) run when no change of an engine is half done
 * (F3): whatever they post, cancel or close finds whole runners. A change is everything between `beginChange` and
 * `endChange`, and changes nest; the callbacks that it causes run at its end, in the order of what they report. What a
 * callback causes in turn comes behind them. There is one queue for all pools, for a reply takes a change from one pool to
 * another.
 */
let depth = 0
let isCalling = false
const waiting: (() => void)[] = []

export const beginChange = (): void => {
  depth++
}

export const endChange = (): void => {
  if (--depth === 0 && waiting.length > 0) callAll()
}

/** Calls back when no change is under way: at once, or at the end of the present one. `callback` must not throw. */
export const callBack = (callback: () => void): void => {
  waiting.push(callback)
  if (depth === 0) callAll()
}

const callAll = (): void => {
  if (isCalling) return
  isCalling = true
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next()
  isCalling = false
}
