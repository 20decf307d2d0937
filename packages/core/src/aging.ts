import { userBlocking } from './traits.ts'

/** By how many levels a wait of `waitedMs` lifts (P4): one for each `agingMs`. */
export const liftOf = (waitedMs: number, agingMs: number): number => {
  if (agingMs === 0) return userBlocking
  return waitedMs >= agingMs ? Math.min(userBlocking, Math.floor(waitedMs / agingMs)) : 0
}
