import type { ExecutorSnapshot } from './snapshot.ts'

/** An executor that tells of its threads, such as those of the piscina and tinypool backends. */
export interface ThreadHolder {
  stats(): {
    readonly name: string
    readonly threads: readonly {
      readonly threadId: number | undefined
      readonly isBusy: boolean
      readonly utilization: number
      readonly completed: number
      readonly respawns: number
    }[]
  }
}

/** Executors without threads of their own, or that do not tell of them, have no `stats`. */
export const isThreadHolder = <E extends object>(executor: E): executor is E & ThreadHolder =>
  'stats' in executor && typeof executor.stats === 'function'

/** What the page shows of the threads of an executor. */
export const readThreads = (holder: ThreadHolder): ExecutorSnapshot => {
  const { name, threads } = holder.stats()
  return { name, threads: threads.map(({ threadId, ...rest }) => ({ id: threadId, ...rest })) }
}
