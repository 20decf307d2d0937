import { deadlock } from './deadlock.ts'
import { doubleCreate } from './double-create.ts'
import { lostUpdate } from './lost-update.ts'
import type { Race } from './race.ts'
import { staleCacheFill } from './stale-cache-fill.ts'
import { timeoutAgainstCompletion } from './timeout-against-completion.ts'

/** Five bugs that no amount of running finds for sure, and a search of schedules finds at once. */
export const races: readonly Race[] = [lostUpdate, doubleCreate, deadlock, timeoutAgainstCompletion, staleCacheFill]
