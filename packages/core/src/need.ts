/** What an entry needs in order to start. Entries of one kind share their lists, so that none is in the way of others. */
export const needsSlot = 0
export const needsBestEffortSlot = 1
export const needsThread = 2
/** A thread of its own, and no fence for best-effort work. */
export const needsThreadForBestEffort = 3

export type Need = typeof needsSlot | typeof needsBestEffortSlot | typeof needsThread | typeof needsThreadForBestEffort

export const needs: readonly Need[] = [needsSlot, needsBestEffortSlot, needsThread, needsThreadForBestEffort]

/** The needs that can be met now, a bit for each. */
export type Available = number

export const canMeet = (available: Available, need: Need): boolean => (available & (1 << need)) !== 0

export const isForBestEffort = (need: Need): boolean => need === needsBestEffortSlot || need === needsThreadForBestEffort
