import { byId } from './element.js'

/** Tells of a command that was refused. @param {unknown} error */
export const report = (error) => {
  const problem = byId('problem')
  problem.textContent = error instanceof Error ? error.message : String(error)
  problem.hidden = false
}
